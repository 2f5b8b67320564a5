/* SPDX-License-Identifier: ISC */
#include "mls/group/process.h"

#include <e2ee/mls.h>

#include "base/mem.h"
#include "mls/group/commit.h"
#include "mls/group/stage.h"
#include "mls/wire/credential.h"

void incoming_free(struct incoming *incoming) {
  if (incoming == NULL)
    return;
  changes_free(&incoming->changes);
  leaf_drop(incoming->sender_leaf);
  bytes_free(&incoming->external_sender);
  bytes_free(&incoming->data);
  bytes_free(&incoming->authenticated_data);
  bytes_free(&incoming->authenticated);
  epoch_free(incoming->next);
  mem_free(incoming);
}

/* ---- Which epoch, which keys ---- */

/* Which epochs are heard, by what has become of the group and what a message holds.
 *
 * Handshakes are of the current epoch.  RFC 9420, section 12.4.2: nothing is sent in an epoch that a
 * ReInit began; what was sent before its sender knew of that may still be on its way.  To somebody
 * outside only a proposal can be said, which open_outside() looks at. */
enum { OF_CURRENT = 1, OF_PAST = 2 };

static const uint8_t heard[GROUP_STATES][CONTENT_COMMIT + 1] = {
    [GROUP_ACTIVE] = {[CONTENT_APPLICATION] = OF_CURRENT | OF_PAST,
                      [CONTENT_PROPOSAL] = OF_CURRENT,
                      [CONTENT_COMMIT] = OF_CURRENT},
    [GROUP_OUTSIDE] = {[CONTENT_PROPOSAL] = OF_CURRENT},
    [GROUP_ENDED] = {[CONTENT_APPLICATION] = OF_PAST},
    [GROUP_LEFT] = {0},
};

/* @param content_type  whoever read the message has seen that it is one */
static bool is_heard(enum group_state state, uint8_t content_type, unsigned of) {
  return (heard[state][content_type] & of) != 0;
}

/* What is known of a message before it is opened. */
struct arrived {
  uint16_t wire_format;
  struct public_message public_message;
  struct private_message private_message;
  struct view group_id;
  uint64_t epoch;
  uint8_t content_type;
};

static enum err read_message(const struct group *group, struct view message, struct arrived *out) {
  enum err err = OK;
  struct client *client = group->client;
  struct reader reader = reader_of(message);
  TRY(client_check_size(client, message));
  TRY(message_read_header(&reader, &client->why, &out->wire_format));
  if (out->wire_format == WIRE_PUBLIC_MESSAGE) {
    TRY(public_message_read(&reader, &client->why, &out->public_message));
    out->group_id = out->public_message.content.group_id;
    out->epoch = out->public_message.content.epoch;
    out->content_type = out->public_message.content.content_type;
  } else {
    TRY(require(out->wire_format == WIRE_PRIVATE_MESSAGE, &client->why, ERR_MALFORMED,
                "RFC 9420, section 6: a message of wire format %u is not for a group",
                out->wire_format));
    TRY(private_message_read(&reader, &out->private_message));
    out->group_id = out->private_message.group_id;
    out->epoch = out->private_message.epoch;
    out->content_type = out->private_message.content_type;
  }
  TRY(read_end(&reader));
done:
  return codec_unparsed(err, &client->why, "message");
}

/* The current epoch; or, of an encrypted message, a past one that is kept, if such a one is heard. */
static enum err find_epoch(const struct group *group, const struct arrived *arrived,
                           const struct epoch **out) {
  struct why *why = &group->client->why;
  uint64_t current = group_epoch_number(group);
  if (!view_equal(arrived->group_id, group_identifier(group)))
    return refuse(why, ERR_INVALID_ARG, "RFC 9420, section 6: the message is for another group");
  if (arrived->epoch > current)
    return refuse(why, ERR_FUTURE_EPOCH,
                  "RFC 9420, section 6: the message is of epoch %llu, the group is in %llu",
                  (unsigned long long)arrived->epoch, (unsigned long long)current);
  *out = group->epoch;
  if (arrived->epoch == current)
    return OK;
  for (size_t i = 0; i < group->past_count; i++) {
    *out = group->past[i];
    if ((*out)->context.epoch == arrived->epoch &&
        is_heard(group_state(group), arrived->content_type, OF_PAST) &&
        arrived->wire_format == WIRE_PRIVATE_MESSAGE)
      return OK;
  }
  return refuse(why, ERR_OLD_EPOCH,
                "RFC 9420, section 6: the message is of epoch %llu, the group is in %llu",
                (unsigned long long)arrived->epoch, (unsigned long long)current);
}

/* ---- Who signed (RFC 9420, section 6.1) ---- */

static enum err new_member_key(const struct framed_content *content, struct why *why,
                               struct leaf **out) {
  enum err err = OK;
  struct reader reader = reader_of(content->content);
  if (content->sender.type == SENDER_NEW_MEMBER_COMMIT) {
    struct commit commit;
    TRY(commit_read(&reader, why, &commit));
    TRY(require(commit.has_path, why, ERR_INVALID_COMMIT,
                "RFC 9420, section 12.4.3.2: an external commit without a path"));
    struct reader leaf = reader_of(commit.path.leaf);
    return leaf_read(&leaf, why, out);
  }
  struct proposal proposal;
  struct key_package key_package = {0};
  TRY(proposal_read(&reader, why, &proposal));
  struct reader add = reader_of(proposal.body.add); /* that it is one, framing has checked */
  TRY(key_package_read(&add, why, &key_package));
  *out = leaf_share(key_package.leaf);
  key_package_free(&key_package);
done:
  return err;
}

/* An external sender (section 12.1.8.1). */
static enum err find_external_sender(const struct epoch *epoch, uint32_t index, struct why *why,
                                     struct external_sender *out) {
  enum err err = OK;
  struct view data;
  struct external_sender sender;
  struct reader reader, senders;
  uint32_t at = 0;
  TRY(require(extensions_find(epoch->context.extensions, EXTENSION_EXTERNAL_SENDERS, &data), why,
              ERR_SIGNATURE, "RFC 9420, section 12.1.8.1: the group has no external senders"));
  reader = reader_of(data);
  TRY(read_items(&reader, &senders));
  for (; senders.left > 0; at++) {
    TRY(external_sender_read(&senders, &sender));
    if (at == index) {
      *out = sender;
      return OK;
    }
  }
  return refuse(why, ERR_SIGNATURE,
                "RFC 9420, section 12.1.8.1: external sender %u is not in the group's extensions",
                index);
done:
  return err;
}

/* The external sender whose key has to have signed, kept with the message. */
static enum err external_key(struct incoming *incoming, const struct epoch *epoch, uint32_t index,
                             struct view *key) {
  enum err err = OK;
  struct external_sender sender;
  struct writer writer = {0};
  TRY(find_external_sender(epoch, index, &incoming->group->client->why, &sender));
  external_sender_write(&writer, sender.signature_key, sender.credential.raw);
  TRY(writer_take(&writer, &incoming->external_sender));
  *key = sender.signature_key;
done:
  writer_free(&writer);
  return err;
}

/* The key that has to have signed; whose it is, is kept with the message. */
static enum err signer_key(struct incoming *incoming, const struct epoch *epoch,
                           const struct framed_content *content, struct view *key) {
  enum err err = OK;
  struct why *why = &incoming->group->client->why;
  const struct leaf *leaf = NULL;
  switch (content->sender.type) {
  case SENDER_MEMBER:
    leaf = tree_leaf(epoch->tree, content->sender.index);
    TRY(require(leaf != NULL, why, ERR_SIGNATURE,
                "RFC 9420, section 6.1: the sender, leaf %u, is blank", content->sender.index));
    incoming->sender_leaf = leaf_share(leaf);
    break;
  case SENDER_EXTERNAL:
    return external_key(incoming, epoch, content->sender.index, key);
  default:
    TRY(new_member_key(content, why, &incoming->sender_leaf));
  }
  *key = leaf_signature_key(incoming->sender_leaf);
done:
  return err;
}

static enum err verify_signature(struct incoming *incoming, const struct epoch *epoch,
                                 const struct authenticated_content *content) {
  enum err err = OK;
  struct view key = VIEW_NONE;
  uint8_t type = content->content.sender.type;
  bool in_context = type == SENDER_MEMBER || type == SENDER_NEW_MEMBER_COMMIT;
  TRY(signer_key(incoming, epoch, &content->content, &key));
  TRY(framing_verify(epoch->suite, content,
                     in_context ? bytes_view(&epoch->context_raw) : VIEW_NONE, key,
                     &incoming->group->client->why));
done:
  return err;
}

enum err incoming_read_sender(const struct incoming *incoming, const struct leaf *own,
                              uint32_t what, struct bytes *out) {
  enum err err = OK;
  struct external_sender sender;
  if (incoming->sender_leaf != NULL)
    return member_read(own, incoming->sender_leaf, what, out);
  struct reader reader = reader_of(bytes_view(&incoming->external_sender));
  TRY(external_sender_read(&reader, &sender));
  switch (what) {
  case E2EE_MEMBER_IDENTITY:
    err = credential_body(sender.credential, out);
    break;
  case E2EE_MEMBER_CREDENTIAL:
    err = bytes_copy(out, sender.credential.raw);
    break;
  case E2EE_MEMBER_PUBLIC_KEY:
    err = bytes_copy(out, sender.signature_key);
    break;
  default:
    err = refuse(&incoming->group->client->why, ERR_NOT_FOUND, "an external sender has no leaf");
  }
done:
  return err;
}

/* ---- The three kinds of content ---- */

static enum err process_application(struct incoming *incoming, const struct epoch *epoch,
                                    const struct authenticated_content *content) {
  enum err err = OK;
  struct group *group = incoming->group;
  struct framing_keys keys = epoch_framing(epoch, group->client->settings.max_skip);
  incoming->kind = E2EE_INCOMING_APPLICATION;
  TRY(bytes_copy(&incoming->data, content->content.content));
  TRY(framing_used(&keys, &incoming->origin));
  group->revision++;
  incoming->accepted = true;
done:
  return err;
}

static enum err process_proposal(struct incoming *incoming, const struct epoch *epoch,
                                 const struct authenticated_content *content) {
  enum err err = OK;
  struct client *client = incoming->group->client;
  struct proposal_rules rules = proposal_rules_received(client);
  struct proposal proposal;
  struct writer writer = {0};
  struct reader reader = reader_of(content->content.content);
  incoming->kind = E2EE_INCOMING_PROPOSAL;
  TRY(proposal_read(&reader, &client->why, &proposal));
  TRY(require(
      !proposal_kind_of(proposal.type)->brought || content->wire_format == WIRE_PUBLIC_MESSAGE,
      &client->why, ERR_INVALID_PROPOSAL,
      "draft-ietf-mls-extensions, section SelfRemove Proposal: it is not in a PublicMessage, "
      "which those who join from outside could read"));
  TRY(proposal_check(epoch, &proposal, content->content.sender, &rules));
  TRY(proposal_describe(&incoming->changes, &proposal, content->content.sender, epoch->tree, 0));
  (void)changes_note_keys(&incoming->changes, epoch->tree, NULL);
  framing_write_authenticated(&writer, content);
  TRY(writer_take(&writer, &incoming->authenticated));
done:
  writer_free(&writer);
  return err;
}

static enum err process_commit(struct incoming *incoming,
                               const struct authenticated_content *content) {
  enum err err = OK;
  struct staged_commit staged = {0};
  incoming->kind = E2EE_INCOMING_COMMIT;
  TRY(stage_commit(incoming->group, content, &staged));
  incoming->changes = staged.changes;
  incoming->next = staged.next;
  incoming->removes_own = staged.removes_own;
  incoming->partly = staged.partly;
  incoming->sender = staged.committer;
  bool joins = incoming->from.type == SENDER_NEW_MEMBER_COMMIT;
  incoming->other_key = changes_note_keys(&incoming->changes, incoming->group->epoch->tree,
                                          joins ? incoming->sender_leaf : NULL);
done:
  return err;
}

static enum err process_content(struct incoming *incoming, const struct epoch *epoch,
                                const struct authenticated_content *content) {
  struct sender sender = content->content.sender;
  incoming->from = sender;
  incoming->sender = sender.type == SENDER_MEMBER ? sender.index : LEAF_NONE;
  enum err err = bytes_copy(&incoming->authenticated_data, content->content.authenticated_data);
  if (err != OK)
    return err;
  switch (content->content.content_type) {
  case CONTENT_APPLICATION:
    return process_application(incoming, epoch, content);
  case CONTENT_PROPOSAL:
    return process_proposal(incoming, epoch, content);
  default:
    return process_commit(incoming, content);
  }
}

/* ---- Message ---- */

static enum err open_message(struct incoming *incoming, const struct epoch *epoch,
                             const struct arrived *arrived, struct bytes *storage,
                             struct authenticated_content *content) {
  struct client *client = incoming->group->client;
  struct framing_keys keys = epoch_framing(epoch, client->settings.max_skip);
  incoming->encrypted = arrived->wire_format == WIRE_PRIVATE_MESSAGE;
  if (!incoming->encrypted)
    return framing_open_public(&keys, &arrived->public_message, &client->why, content);
  enum err err = framing_open_private(&keys, &arrived->private_message, tree_width(epoch->tree),
                                      &client->why, storage, content, &incoming->origin);
  if (err == ERR_REPLAY && arrived->content_type == CONTENT_COMMIT &&
      incoming->origin.leaf == epoch->own_leaf)
    return refuse(&client->why, ERR_LEFT_BEHIND,
                  "RFC 9420, section 14: a commit of this member that is not its pending one");
  return err;
}

/* RFC 9420, section 14: the own commit comes back from the delivery service. */
static bool is_own_commit(const struct group *group, struct view message) {
  return group->pending != NULL && view_equal(bytes_view(&group->pending->message), message);
}

static enum err refuse_outside(const struct group *group) {
  return refuse(&group->client->why, ERR_INVALID_STATE,
                "the external commit must be accepted before messages can be read");
}

/* An active group hears whatever find_epoch() has found. */
static enum err check_heard(const struct group *group, enum group_state state,
                            const struct arrived *arrived, const struct epoch *epoch) {
  if (is_heard(state, arrived->content_type, epoch == group->epoch ? OF_CURRENT : OF_PAST))
    return OK;
  return state == GROUP_OUTSIDE ? refuse_outside(group) : group_check_active(group);
}

/*
 * To somebody outside only one thing can be said: that a member leaves, to be committed along with the
 * own joining (draft-ietf-mls-extensions, SelfRemove).  The membership tag cannot be checked there.
 */
static enum err open_outside(struct incoming *incoming, const struct arrived *arrived,
                             struct authenticated_content *content) {
  const struct public_message *message = &arrived->public_message;
  struct proposal proposal;
  struct reader reader = reader_of(message->content.content);
  bool fits = arrived->wire_format == WIRE_PUBLIC_MESSAGE &&
              message->content.sender.type == SENDER_MEMBER &&
              proposal_read(&reader, NULL, &proposal) == OK &&
              proposal_kind_of(proposal.type)->brought;
  if (!fits)
    return refuse_outside(incoming->group);
  *content = (struct authenticated_content){WIRE_PUBLIC_MESSAGE, message->content, message->auth};
  return OK;
}

static enum err process_arrived(struct incoming *incoming, struct view message,
                                struct bytes *storage) {
  enum err err = OK;
  struct group *group = incoming->group;
  struct arrived arrived = {0};
  struct authenticated_content content;
  const struct epoch *epoch = NULL;
  enum group_state state = group_state(group);
  if (state == GROUP_LEFT)
    TRY(group_check_active(group));
  err = read_message(group, message, &arrived);
  if (state == GROUP_OUTSIDE && err == ERR_MALFORMED)
    TRY(refuse_outside(group));
  TRY(err);
  err = find_epoch(group, &arrived, &epoch);
  if (state == GROUP_ENDED && err != OK)
    TRY(group_check_active(group));
  TRY(err);
  TRY(check_heard(group, state, &arrived, epoch));
  incoming->epoch = arrived.epoch;
  TRY(state == GROUP_OUTSIDE ? open_outside(incoming, &arrived, &content)
                             : open_message(incoming, epoch, &arrived, storage, &content));
  TRY(verify_signature(incoming, epoch, &content));
  TRY(process_content(incoming, epoch, &content));
done:
  return err;
}

enum err process_message(struct group *group, struct view message, struct incoming **out) {
  enum err err = OK;
  struct bytes storage = {0};
  struct incoming *incoming = mem_new(1, sizeof *incoming);
  TRY(incoming == NULL ? ERR_NOMEM : OK);
  incoming->group = group;
  incoming->epoch = group_epoch_number(group);
  if (is_own_commit(group, message)) {
    incoming->kind = E2EE_INCOMING_OWN_COMMIT;
    incoming->sender = group->pending->next->own_leaf;
    incoming->from = group_sender(group);
    incoming->sender_leaf = leaf_share(tree_leaf(group->pending->next->tree, incoming->sender));
    TRY(bytes_copy(&incoming->authenticated, message));
  } else {
    TRY(process_arrived(incoming, message, &storage));
  }
  *out = incoming;
  incoming = NULL;
done:
  bytes_free(&storage);
  incoming_free(incoming);
  return err;
}

/* ---- Accepting ---- */

/* Wipe the key of an encrypted message. */
static enum err use_key(const struct incoming *incoming) {
  const struct group *group = incoming->group;
  if (!incoming->encrypted)
    return OK;
  struct framing_keys keys = epoch_framing(group->epoch, group->client->settings.max_skip);
  return framing_used(&keys, &incoming->origin);
}

static enum err accept_proposal(struct incoming *incoming) {
  enum err err = OK;
  struct group *group = incoming->group;
  struct secret *none = NULL;
  size_t before = group->proposals.count;
  err = proposal_store_restore(&group->proposals, group->epoch->suite,
                               bytes_view(&incoming->authenticated), &none);
  if (err == ERR_LIMIT)
    TRY(refuse(&group->client->why, err, "more than %d proposals in one epoch", PROPOSALS_MAX));
  TRY(err);
  TRY(use_key(incoming));
  group->revision++;
done:
  if (err != OK)
    proposal_store_cut(&group->proposals, before);
  return err;
}

static enum err accept_commit(struct incoming *incoming) {
  enum err err = OK;
  struct group *group = incoming->group;
  TRY(require(group->pending == NULL, &group->client->why, ERR_PENDING_COMMIT,
              "the own pending commit must be accepted or discarded first"));
  TRY(group_prepare_enter(group));
  TRY(use_key(incoming));
  if (incoming->removes_own)
    group_leave(group);
  else
    group_enter(group, &incoming->next);
done:
  return err;
}

/* Only the commit that came back, not another that was built when it had been discarded. */
static enum err accept_own_commit(struct incoming *incoming) {
  enum err err = OK;
  struct group *group = incoming->group;
  TRY(require(is_own_commit(group, bytes_view(&incoming->authenticated)), &group->client->why,
              ERR_LEFT_BEHIND, "the own commit was discarded, and came back"));
  TRY(commit_accepted(group));
done:
  return err;
}

enum err process_accept(struct incoming *incoming) {
  enum err err = OK;
  struct group *group = incoming->group;
  struct why *why = &group->client->why;
  TRY(require(!incoming->accepted, why, ERR_INVALID_STATE, "the message was accepted already"));
  TRY(require(group_state(group) != GROUP_LEFT && incoming->epoch == group_epoch_number(group), why,
              ERR_OLD_EPOCH, "the group has left the epoch of this message"));
  if (incoming->kind == E2EE_INCOMING_OWN_COMMIT) {
    TRY(accept_own_commit(incoming));
  } else {
    TRY(incoming->kind == E2EE_INCOMING_PROPOSAL ? accept_proposal(incoming)
                                                 : accept_commit(incoming));
  }
  incoming->accepted = true;
done:
  return err;
}
