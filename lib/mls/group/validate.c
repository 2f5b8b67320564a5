/* SPDX-License-Identifier: ISC */
#include "mls/group/validate.h"

#include "base/parallel.h"
#include "crypto/sign.h"
#include "mls/wire/credential.h"
#include "mls/wire/message.h"

/* What required_capabilities lists: nothing if the extension is not there. */
static enum err read_required(struct view extensions, struct why *why, struct capabilities *out) {
  struct view data;
  *out = (struct capabilities){0};
  if (!extensions_find(extensions, EXTENSION_REQUIRED_CAPABILITIES, &data))
    return OK;
  enum err err = required_capabilities_read(data, out);
  return err == OK ? OK
                   : refuse(why, err,
                            "RFC 9420, section 11.1: required_capabilities are of broken encoding, "
                            "or more than %u of one kind",
                            CAPABILITIES_MAX);
}

/* RFC 9420, section 13.5: nobody supports a GREASE value, so none gets into a GroupContext.  One that
 * has it nonetheless, in a group that was saved before this was seen, asks nothing of a leaf. */
static bool meets(const struct type_set *supported, uint16_t type) {
  return type_set_has(supported, type) || type_is_grease(type);
}

/* RFC 9420, section 11.1: a leaf supports one kind of what required_capabilities lists.
 * @param is_default  what everybody supports; NULL: nothing */
static enum err check_kind(const struct type_set *supported, bool (*is_default)(uint16_t),
                           struct view required, const char *what, uint32_t index,
                           struct why *why) {
  enum err err = OK;
  for (size_t i = 0; i < required.size / 2; i++) {
    uint16_t type = list_at(required, i);
    TRY(require((is_default != NULL && is_default(type)) || meets(supported, type), why,
                ERR_INVALID_TREE, "RFC 9420, section 11.1: leaf %u lacks the required %s 0x%04x",
                index, what, type));
  }
done:
  return err;
}

/* RFC 9420, section 13.4: a member supports every extension in the GroupContext; and section 11.1. */
static enum err check_extensions(const struct type_set *supported, uint32_t index,
                                 struct view extensions, struct view required, struct why *why) {
  enum err err = OK;
  struct reader reader = reader_of(extensions);
  TRY(check_kind(supported, extension_is_default, required, "extension", index, why));
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    TRY(require(extension_is_default(extension.type) || meets(supported, extension.type), why,
                ERR_INVALID_TREE,
                "RFC 9420, section 13.4: leaf %u does not support the group's extension 0x%04x",
                index, extension.type));
  }
done:
  return err;
}

/* What the group asks of its members. */
static enum err check_supported(const struct leaf *leaf, uint32_t index, struct view extensions,
                                struct why *why) {
  enum err err = OK;
  struct capabilities required, own = leaf_capabilities(leaf);
  struct type_set supported;
  TRY(read_required(extensions, why, &required));
  type_set_fill(&supported, own.extensions);
  TRY(check_extensions(&supported, index, extensions, required.extensions, why));
  type_set_fill(&supported, own.proposals);
  TRY(check_kind(&supported, proposal_is_default, required.proposals, "proposal", index, why));
  type_set_fill(&supported, own.credentials);
  TRY(check_kind(&supported, NULL, required.credentials, "credential", index, why));
done:
  return err;
}

static bool has_grease(struct view list) {
  for (size_t i = 0; i < list.size / 2; i++)
    if (type_is_grease(list_at(list, i)))
      return true;
  return false;
}

/* RFC 9420, section 13.5: a GroupContext with GREASE is none that anybody can be a member under. */
static enum err check_no_grease(struct view extensions, enum err refusal, struct why *why) {
  enum err err = OK;
  struct capabilities required;
  struct reader reader = reader_of(extensions);
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    TRY(require(!type_is_grease(extension.type), why, refusal,
                "RFC 9420, section 13.5: a group with the GREASE extension 0x%04x",
                extension.type));
  }
  TRY(read_required(extensions, why, &required));
  TRY(require(!has_grease(required.extensions) && !has_grease(required.proposals) &&
                  !has_grease(required.credentials),
              why, refusal, "RFC 9420, section 13.5: a group that requires a GREASE value"));
done:
  return err;
}

static enum err check_credentials(const struct tree *tree, const struct leaf *leaf, uint32_t index,
                                  struct why *why) {
  enum err err = OK;
  uint16_t type = leaf_credential(leaf).type;
  TRY(require(tree_all_support_credential(tree, type), why, ERR_INVALID_TREE,
              "RFC 9420, section 7.3: leaf %u has a credential of type %u, which a member does not "
              "support",
              index, type));
  /* The leaf supports every type in use if the users of the types it lists are all members. */
  struct view list = leaf_capabilities(leaf).credentials;
  uint32_t users = 0;
  struct type_set seen;
  seen.count = 0;
  for (size_t i = 0; i < list.size / 2; i++)
    if (type_set_add(&seen, list_at(list, i)))
      users += tree_credential_users(tree, list_at(list, i));
  TRY(require(users == tree_members(tree), why, ERR_INVALID_TREE,
              "RFC 9420, section 7.3: leaf %u does not support a type of credential that a member "
              "has",
              index));
done:
  return err;
}

enum err validate_leaf(const struct tree *tree, struct view extensions, const struct leaf *leaf,
                       uint32_t index, struct why *why) {
  enum err err = OK;
  TRY(leaf_check(tree_suite(tree), leaf, why));
  TRY(check_supported(leaf, index, extensions, why));
  TRY(check_credentials(tree, leaf, index, why));
done:
  return err;
}

/* RFC 9420, sections 5.3 and 5.3.1: a credential goes with its key here as in a leaf. */
static enum err check_external_sender(const struct suite *suite,
                                      const struct external_sender *sender, enum err refusal,
                                      struct why *why) {
  enum err err = sign_check_public_key(suite, sender->signature_key);
  if (err == ERR_MALFORMED)
    return refuse(why, refusal,
                  "RFC 9420, section 12.1.8.1: the key of an external sender is none of suite %u",
                  suite->id);
  if (err == OK)
    err = credential_check_key(suite, sender->credential, sender->signature_key);
  if (err == ERR_SIGNATURE)
    return refuse(why, refusal,
                  "RFC 9420, section 5.3: the key of an external sender is not that of its "
                  "certificate");
  if (err == ERR_UNSUPPORTED)
    return refuse(why, err,
                  "an external sender has an X.509 credential, which takes OpenSSL to read");
  return err;
}

/* RFC 9420, section 12.1.8.1: whoever may propose from outside can be told by a key. */
static enum err check_external_senders(const struct suite *suite, struct view extensions,
                                       enum err refusal, struct why *why) {
  enum err err = OK;
  struct view data;
  struct reader senders;
  if (!extensions_find(extensions, EXTENSION_EXTERNAL_SENDERS, &data))
    return OK;
  struct reader reader = reader_of(data);
  TRY(read_items(&reader, &senders));
  TRY(read_end(&reader));
  for (size_t count = 1; senders.left > 0; count++) {
    struct external_sender sender;
    TRY(require(count <= EXTERNAL_SENDERS_MAX, why, ERR_LIMIT, "more than %d external senders",
                EXTERNAL_SENDERS_MAX));
    TRY(external_sender_read(&senders, &sender));
    TRY(check_external_sender(suite, &sender, refusal, why));
  }
done:
  if (err == ERR_MALFORMED)
    return refuse(why, err, "RFC 9420, section 12.1.8.1: external_senders do not parse");
  return err;
}

enum err validate_extensions(const struct tree *tree, struct view extensions, struct why *why) {
  enum err err = OK;
  struct capabilities required;
  TRY(check_no_grease(extensions, ERR_INVALID_PROPOSAL, why));
  struct reader reader = reader_of(extensions);
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    TRY(require(tree_all_support_extension(tree, extension.type), why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.1.7: a member does not support the extension 0x%04x",
                extension.type));
  }
  TRY(read_required(extensions, why, &required));
  bool all = true;
  for (size_t i = 0; i < required.extensions.size / 2; i++)
    all = all && tree_all_support_extension(tree, list_at(required.extensions, i));
  for (size_t i = 0; i < required.proposals.size / 2; i++)
    all = all && tree_all_support_proposal(tree, list_at(required.proposals, i));
  for (size_t i = 0; i < required.credentials.size / 2; i++)
    all = all && tree_all_support_credential(tree, list_at(required.credentials, i));
  TRY(require(all, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 11.1: a member lacks a required capability"));
done:
  return err;
}

enum err validate_announced(uint16_t cipher_suite, struct view extensions, struct why *why) {
  enum err err = OK;
  const struct suite *suite = NULL;
  TRY(check_no_grease(extensions, ERR_INVALID_PROPOSAL, why));
  err = suite_use(cipher_suite, &suite);
  if (err == ERR_UNSUPPORTED)
    return OK;
  TRY(err);
  TRY(check_external_senders(suite, extensions, ERR_INVALID_PROPOSAL, why));
done:
  return err;
}

/* What every leaf of a tree is checked against. */
struct leaf_checks {
  const struct tree *tree;
  struct view group_id;
  struct view extensions;
  struct lifetime_rules lifetime;
};

static enum err check_leaf(const void *state, size_t index, struct why *why) {
  const struct leaf_checks *checks = state;
  enum err err = OK;
  uint32_t at = (uint32_t)index;
  const struct leaf *leaf = tree_leaf(checks->tree, at);
  if (leaf == NULL)
    return OK;
  TRY(validate_leaf(checks->tree, checks->extensions, leaf, at, why));
  TRY(leaf_check_lifetime(leaf, &checks->lifetime, why));
  err = leaf_verify_signature(tree_suite(checks->tree), leaf, checks->group_id, at, why);
  if (err == ERR_SIGNATURE)
    return refuse(why, err, "RFC 9420, section 7.3: the signature of leaf %u is wrong", at);
done:
  return err;
}

enum err validate_tree(const struct client *client, const struct tree *tree, struct view group_id,
                       struct view extensions, struct why *why) {
  enum err err = OK;
  unsigned threads = client->settings.threads;
  struct leaf_checks checks = {tree, group_id, extensions,
                               client_lifetime_rules(client, LIFETIME_JOINED)};
  TRY(tree_verify_parent_hashes(tree, threads, why));
  TRY(check_no_grease(extensions, ERR_INVALID_TREE, why));
  TRY(check_external_senders(tree_suite(tree), extensions, ERR_INVALID_TREE, why));
  TRY(parallel_each(threads, tree_width(tree), check_leaf, &checks, why));
done:
  return err;
}
