/* SPDX-License-Identifier: ISC */
#include "mls/group/join.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hpke.h"
#include "mls/group/commit.h"
#include "mls/group/external.h"
#include "mls/group/groupinfo.h"
#include "mls/group/invitation.h"
#include "mls/keys/psk.h"

/* ---- Opening a Welcome ---- */

void opened_welcome_free(struct opened_welcome *opened) {
  epoch_free(opened->epoch);
  opened->epoch = NULL;
}

static struct epoch_mark mark_of(struct view confirmation_tag) {
  struct epoch_mark mark = {0};
  size_t size = confirmation_tag.size;
  if (size > 0)
    memcpy(mark.bytes, confirmation_tag.data, size < sizeof mark ? size : sizeof mark);
  return mark;
}

/*
 * Message keys and stream contexts begin anew in every handle.  So an epoch is not joined twice: with
 * most key packages nothing can be, but those of last resort stay.
 */
static enum err check_first(const struct client *client, const struct own_key_package *own,
                            struct view group_id, struct view confirmation_tag, struct why *why) {
  enum err err = OK;
  struct epoch_mark mark = mark_of(confirmation_tag);
  TRY(require(own != NULL && own->secret != NULL, why, ERR_NOT_FOUND,
              "RFC 9420, section 10: the key package was used already, or removed"));
  TRY(require(!own_key_package_joined(own, &mark), why, ERR_INVALID_STATE,
              "RFC 9420, section 12.4.3.1: the client has joined this epoch before"));
  /* Another Welcome to the group may have been joined meanwhile. */
  TRY(require(!client_in_group(client, group_id), why, ERR_INVALID_STATE,
              "RFC 9420, section 12.4.3.1: the client is in that group already"));
done:
  return err;
}

static int compare_refs(const void *a, const void *b) {
  const struct own_key_package *const *left = a, *const *right = b;
  return memcmp((*left)->ref, (*right)->ref, sizeof(*left)->ref);
}

/* All own key packages, by reference.  @param out  to be freed */
static enum err sort_own(const struct client *client, const struct own_key_package ***out) {
  const struct own_key_package **sorted = mem_new(client->key_package_count, sizeof *sorted);
  if (sorted == NULL)
    return ERR_NOMEM;
  for (size_t i = 0; i < client->key_package_count; i++)
    sorted[i] = &client->key_packages[i];
  qsort(sorted, client->key_package_count, sizeof *sorted, compare_refs);
  *out = sorted;
  return OK;
}

static const struct own_key_package *find_sorted(const struct own_key_package **sorted,
                                                 size_t count, size_t size, struct view ref) {
  struct own_key_package wanted = {.ref = {0}}, *key = &wanted;
  if (ref.size != size)
    return NULL;
  memcpy(wanted.ref, ref.data, size);
  const struct own_key_package **found = bsearch(&key, sorted, count, sizeof *sorted, compare_refs);
  return found == NULL ? NULL : *found;
}

/* The entry that is for a key package of ours.  Anybody can send a long list of others. */
static enum err find_secrets(struct client *client, const struct welcome *welcome,
                             const struct own_key_package **own,
                             struct encrypted_group_secrets *out) {
  enum err err = OK;
  const struct own_key_package **sorted = NULL;
  struct reader reader = reader_of(welcome->secrets);
  TRY(sort_own(client, &sorted));
  *own = NULL;
  while (reader.left > 0 && *own == NULL) {
    TRY(encrypted_group_secrets_read(&reader, out));
    *own =
        find_sorted(sorted, client->key_package_count, client->suite->hash->size, out->new_member);
  }
  TRY(require(*own != NULL, &client->why, ERR_NOT_FOUND,
              "RFC 9420, section 12.4.3.1: the Welcome is for no key package of this client"));
  TRY(require(
      (*own)->secret != NULL, &client->why, ERR_NOT_FOUND,
      "the Welcome is for a last-resort key package that has let the client into %d epochs, "
      "and is used up",
      LAST_RESORT_JOINS_MAX));
done:
  mem_free(sorted);
  return err;
}

static bool find_psk(const struct client *client, const struct group *old, const struct psk_id *id,
                     struct view *out) {
  if (id->type == PSK_EXTERNAL)
    return client_find_psk(client, id->external_id, out);
  if (old != NULL && view_equal(id->psk_group_id, group_identifier(old)))
    return group_resumption_psk(old, id->psk_epoch, out);
  return client_resumption_psk(client, id, out);
}

/* psk_secret of the PSKs that GroupSecrets names; and the one among them that links groups. */
static enum err welcome_psk_secret(struct client *client, const struct group *old, struct view psks,
                                   struct psk_id *link, struct secret *out) {
  enum err err = OK;
  struct secret psk_secret = {0};
  struct psk_id id;
  size_t count = 0;
  for (struct reader reader = reader_of(psks); reader.left > 0; count++) {
    TRY(psk_id_read(&reader, &id));
    TRY(require(id.nonce.size == client->suite->hash->size, &client->why, ERR_MALFORMED,
                "RFC 9420, section 8.4: a psk_nonce of %zu bytes in a Welcome", id.nonce.size));
  }
  /* Those of a commit, of which members take no more. */
  TRY(require(count <= LISTED_PSKS_MAX, &client->why, ERR_LIMIT,
              "%zu PSKs in a Welcome, of at most %d", count, LISTED_PSKS_MAX));
  schedule_zero(client->suite, &psk_secret);
  struct reader reader = reader_of(psks);
  for (uint16_t index = 0; index < count; index++) {
    struct view psk;
    const uint8_t *from = reader.at;
    TRY(psk_id_read(&reader, &id));
    struct view raw = read_since(&reader, from);
    if (id.type == PSK_RESUMPTION && id.usage != PSK_APPLICATION) {
      TRY(require(link->type == 0, &client->why, ERR_INVALID_TREE,
                  "RFC 9420, section 12.4.3.1: two resumption PSKs of usage reinit or branch"));
      *link = id;
    }
    TRY(require(find_psk(client, old, &id, &psk), &client->why, ERR_NOT_FOUND,
                "RFC 9420, section 12.4.3.1: PSK %u of the Welcome is not known here", index));
    TRY(psk_mix(client->suite, raw, psk, index, (uint16_t)count, &psk_secret));
  }
  secret_move(out, &psk_secret);
done:
  secret_wipe(&psk_secret);
  return err;
}

/* RFC 9420, section 12.4.3.1: the leaf that is identical to the one in our key package. */
static enum err find_own_leaf(const struct tree *tree, const struct own_key_package *own,
                              struct why *why, uint32_t *out) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct reader reader = reader_of(bytes_view(&own->raw));
  TRY(key_package_read(&reader, why, &key_package));
  uint32_t index = tree_next_member(tree, 0);
  while (index != LEAF_NONE &&
         !view_equal(leaf_raw(tree_leaf(tree, index)), leaf_raw(key_package.leaf)))
    index = tree_next_member(tree, index + 1);
  TRY(require(index != LEAF_NONE, why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: the own leaf is not in the tree"));
  *out = index;
done:
  key_package_free(&key_package);
  return err;
}

static enum err own_private_keys(const struct tree *tree, uint32_t own_leaf, uint32_t committer,
                                 const struct own_key_package *own,
                                 const struct group_secrets *secrets, struct why *why,
                                 struct private_keys **out) {
  enum err err = OK;
  struct private_keys *keys = NULL;
  TRY(private_keys_new(own_leaf, &keys));
  keys->at[0] = own->secret->encryption_key;
  if (secrets->has_path_secret)
    TRY(treekem_join(tree, committer, secrets->path_secret, keys, why));
  TRY(private_keys_complete(keys, tree, why));
  *out = keys;
  keys = NULL;
done:
  private_keys_free(keys);
  return err;
}

/* From the decrypted secrets and GroupInfo to the epoch. */
static enum err build_joined(struct client *client, const struct own_key_package *own,
                             const struct group_secrets *secrets, const struct group_info *info,
                             const struct secret *joiner_secret, const struct secret *psk_secret,
                             struct view beside, struct epoch **out) {
  enum err err = OK;
  struct tree *tree = NULL;
  struct private_keys *keys = NULL;
  struct epoch *epoch = NULL;
  uint32_t own_leaf = 0;
  TRY(group_info_check(client, info, beside, &tree));
  TRY(find_own_leaf(tree, own, &client->why, &own_leaf));
  TRY(require(own_leaf != info->signer, &client->why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: the GroupInfo is signed by the own leaf"));
  TRY(own_private_keys(tree, own_leaf, info->signer, own, secrets, &client->why, &keys));
  struct epoch_parts parts = {.tree = tree, .own_leaf = own_leaf};
  TRY(epoch_join(&parts, info->context_raw, joiner_secret, psk_secret, &keys, &epoch));
  TRY(require(secret_equal(epoch_confirmation_tag(epoch), info->confirmation_tag), &client->why,
              ERR_AUTH, "RFC 9420, section 12.4.3.1: the confirmation tag is wrong"));
  *out = epoch;
  epoch = NULL;
done:
  tree_drop(tree);
  private_keys_free(keys);
  epoch_free(epoch);
  return err;
}

/* The GroupInfo of a Welcome.  @param plaintext  out, to be freed */
static enum err open_encrypted(const struct suite *suite, const struct secret *joiner_secret,
                               const struct secret *psk_secret, struct view ciphertext,
                               struct bytes *plaintext) {
  enum err err = OK;
  struct bytes opened = {0};
  TRY(ciphertext.size < suite->aead->tag_size ? ERR_AUTH : OK);
  opened.size = ciphertext.size - suite->aead->tag_size;
  opened.data = mem_new(opened.size, 1);
  TRY(opened.data == NULL ? ERR_NOMEM : OK);
  TRY(invitation_crypt(suite, joiner_secret, psk_secret, false, ciphertext, opened.data));
  bytes_move(plaintext, &opened);
done:
  bytes_free(&opened);
  return err;
}

static enum err open_group_info(struct client *client, const struct group *old,
                                const struct own_key_package *own, const struct welcome *welcome,
                                struct view group_secrets, struct view beside,
                                struct opened_welcome *opened) {
  enum err err = OK;
  struct group_secrets secrets;
  struct group_info info;
  struct psk_id link = {0};
  struct secret joiner_secret = {0}, psk_secret = {0};
  struct bytes plaintext = {0};
  struct epoch *epoch = NULL;
  struct reader reader = reader_of(group_secrets);
  err = group_secrets_read(&reader, &secrets);
  if (err == ERR_UNSUPPORTED)
    TRY(refuse(&client->why, err,
               "RFC 9420, section 8.4: the Welcome names a PSK of a type that is not known here"));
  TRY(err);
  TRY(read_end(&reader));
  TRY(require(secrets.joiner_secret.size == client->suite->hash->size, &client->why, ERR_MALFORMED,
              "RFC 9420, section 12.4.3.1: a joiner_secret of %zu bytes",
              secrets.joiner_secret.size));
  TRY(secret_set(&joiner_secret, secrets.joiner_secret));
  TRY(welcome_psk_secret(client, old, secrets.psks, &link, &psk_secret));
  err = open_encrypted(client->suite, &joiner_secret, &psk_secret, welcome->encrypted_group_info,
                       &plaintext);
  if (err == ERR_AUTH)
    TRY(refuse(&client->why, err,
               "RFC 9420, section 12.4.3.1: the GroupInfo in the Welcome does not decrypt"));
  TRY(err);
  struct reader info_reader = reader_of(bytes_view(&plaintext));
  TRY(group_info_read(&info_reader, &client->why, &info));
  TRY(read_end(&info_reader));
  /* The tag is verified below, at the cost of all members' signatures. */
  TRY(check_first(client, own, info.context.group_id, info.confirmation_tag, &client->why));
  TRY(build_joined(client, own, &secrets, &info, &joiner_secret, &psk_secret, beside, &epoch));
  if (link.type != 0)
    TRY(resume_check_joined(client, old, &link, epoch, &client->why));
  TRY(require(link.type != 0 || old == NULL, &client->why, ERR_INVALID_TREE,
              "RFC 9420, section 12.4.3.1: the new group does not go on from the old one"));
  opened->epoch = epoch;
  epoch = NULL;
  opened->committer = info.signer;
  opened->number = info.context.epoch;
done:
  secret_wipe(&joiner_secret);
  secret_wipe(&psk_secret);
  bytes_free(&plaintext);
  epoch_free(epoch);
  return codec_unparsed(err, &client->why, "GroupSecrets or GroupInfo");
}

static enum err read_welcome(struct client *client, struct view message, struct welcome *out) {
  enum err err = OK;
  struct reader reader = reader_of(message);
  TRY(client_check_size(client, message));
  TRY(message_read_header_of(&reader, WIRE_WELCOME, "Welcome", &client->why));
  TRY(welcome_read(&reader, out));
  TRY(read_end(&reader));
  TRY(require(out->cipher_suite == client->suite->id, &client->why, ERR_UNSUPPORTED,
              "RFC 9420, section 12.4.3.1: a Welcome of cipher suite %u", out->cipher_suite));
done:
  return codec_unparsed(err, &client->why, "Welcome");
}

enum err join_open_welcome(struct client *client, struct view message, struct view tree,
                           struct opened_welcome *out) {
  return join_open_successor(client, NULL, message, tree, out);
}

enum err join_open_successor(struct client *client, const struct group *old, struct view message,
                             struct view tree, struct opened_welcome *out) {
  enum err err = OK;
  struct welcome welcome;
  struct encrypted_group_secrets entry;
  const struct own_key_package *own = NULL;
  struct bytes plaintext = {0};
  TRY(read_welcome(client, message, &welcome));
  TRY(find_secrets(client, &welcome, &own, &entry));
  err = hpke_decrypt_with_label(client->suite, &own->secret->init_key, own->init_key, LABEL_WELCOME,
                                welcome.encrypted_group_info, entry.secrets.kem_output,
                                entry.secrets.ciphertext, &plaintext);
  if (err == ERR_AUTH || err == ERR_MALFORMED)
    TRY(refuse(&client->why, err, "RFC 9420, section 12.4.3.1: the group secrets do not decrypt"));
  TRY(err);
  TRY(open_group_info(client, old, own, &welcome, bytes_view(&plaintext), tree, out));
  memcpy(out->key_package_ref, own->ref, client->suite->hash->size);
done:
  bytes_free(&plaintext);
  return err;
}

enum err join_accept_welcome(struct client *client, struct opened_welcome *opened,
                             struct group **out) {
  enum err err = OK;
  struct view ref = view_of(opened->key_package_ref, client->suite->hash->size);
  struct own_key_package *own = client_find_key_package(client, ref);
  struct view tag = epoch_confirmation_tag(opened->epoch);
  struct epoch_mark mark = mark_of(tag);
  TRY(check_first(client, own, opened->epoch->context.group_id, tag, &client->why));
  TRY(group_from_epoch(client, &opened->epoch, out));
  /* Whoever has another copy of the client may join the same epoch with it; and with a last-resort key
   * package so may this one, where it was loaded without what it remembers of that. */
  (*out)->restored = !own->fresh || own_key_package_is_last_resort(own);
  client_use_key_package(client, own, &mark);
done:
  return err;
}

/* ---- From outside ---- */

enum err join_external(struct client *client, struct view message, struct view tree,
                       struct group **out) {
  enum err err = OK;
  const struct commit_plan nothing = {0};
  struct group *group = NULL;
  TRY(external_open(client, message, tree, &group));
  TRY(commit_build(group, &nothing));
  *out = group;
  group = NULL;
done:
  group_free(group);
  return err;
}
