/* SPDX-License-Identifier: ISC */
#include "mls/process.h"

#include "base/mem.h"
#include "mls/commit.h"
#include "mls/stage.h"

void incoming_free(struct incoming *incoming) {
  if (incoming == NULL)
    return;
  changes_free(&incoming->changes);
  bytes_free(&incoming->data);
  bytes_free(&incoming->authenticated);
  epoch_free(incoming->next);
  mem_free(incoming);
}

/* ---- Which epoch, which keys ---- */

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
  TRY(require(message.size <= client->settings.max_message_bytes, &client->why, ERR_LIMIT,
              "a message of %zu bytes", message.size));
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

/* The current epoch; or, for an application message, a past one that is kept. */
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
    if ((*out)->context.epoch == arrived->epoch && arrived->content_type == CONTENT_APPLICATION &&
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
  TRY(require(proposal.type == PROPOSAL_ADD, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.1.8: a new member proposes something else than an Add"));
  struct reader add = reader_of(proposal.body.add);
  TRY(key_package_read(&add, why, &key_package));
  *out = leaf_share(key_package.leaf);
  key_package_free(&key_package);
done:
  return err;
}

/* The leaf whose signature key has to have signed; to be dropped. */
static enum err signer_leaf(const struct epoch *epoch, const struct framed_content *content,
                            struct why *why, struct leaf **out) {
  const struct leaf *leaf = NULL;
  switch (content->sender.type) {
  case SENDER_MEMBER:
    leaf = tree_leaf(epoch->tree, content->sender.index);
    if (leaf == NULL)
      return refuse(why, ERR_SIGNATURE, "RFC 9420, section 6.1: the sender, leaf %u, is blank",
                    content->sender.index);
    *out = leaf_share(leaf);
    return OK;
  case SENDER_NEW_MEMBER_COMMIT:
  case SENDER_NEW_MEMBER_PROPOSAL:
    return new_member_key(content, why, out);
  default:
    return refuse(why, ERR_UNSUPPORTED,
                  "RFC 9420, section 12.1.8.1: external sender %u is not in the group's extensions",
                  content->sender.index);
  }
}

static enum err verify_signature(const struct epoch *epoch,
                                 const struct authenticated_content *content, struct why *why) {
  enum err err = OK;
  struct leaf *leaf = NULL;
  uint8_t type = content->content.sender.type;
  bool in_context = type == SENDER_MEMBER || type == SENDER_NEW_MEMBER_COMMIT;
  TRY(signer_leaf(epoch, &content->content, why, &leaf));
  TRY(framing_verify(epoch->suite, content,
                     in_context ? bytes_view(&epoch->context_raw) : VIEW_NONE,
                     leaf_signature_key(leaf), why));
done:
  leaf_drop(leaf);
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

/* What a proposal would change, for the application to look at. */
static enum err describe_proposal(struct incoming *incoming, const struct epoch *epoch,
                                  const struct proposal *proposal) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct leaf *leaf = NULL;
  struct changes *changes = &incoming->changes;
  uint32_t proposer = incoming->sender, target = LEAF_NONE;
  struct reader reader;
  switch (proposal->type) {
  case PROPOSAL_ADD:
    reader = reader_of(proposal->body.add);
    TRY(key_package_read(&reader, NULL, &key_package));
    TRY(changes_add(changes, E2EE_CHANGE_ADD, LEAF_NONE, proposer, key_package.leaf, 0));
    break;
  case PROPOSAL_UPDATE:
    reader = reader_of(proposal->body.update);
    TRY(leaf_read(&reader, NULL, &leaf));
    TRY(changes_add(changes, E2EE_CHANGE_UPDATE, proposer, proposer, leaf, 0));
    break;
  case PROPOSAL_REMOVE:
    target = proposal->body.remove;
    TRY(changes_add(changes, E2EE_CHANGE_REMOVE, target, proposer, tree_leaf(epoch->tree, target),
                    0));
    break;
  case PROPOSAL_PSK:
    TRY(changes_add(changes, E2EE_CHANGE_PSK, LEAF_NONE, proposer, NULL, 0));
    break;
  case PROPOSAL_REINIT:
    TRY(changes_add(changes, E2EE_CHANGE_REINIT, LEAF_NONE, proposer, NULL, 0));
    break;
  default:
    TRY(changes_add(changes, E2EE_CHANGE_EXTENSIONS, LEAF_NONE, proposer, NULL, 0));
  }
done:
  key_package_free(&key_package);
  leaf_drop(leaf);
  return err;
}

static enum err process_proposal(struct incoming *incoming, const struct epoch *epoch,
                                 const struct authenticated_content *content) {
  enum err err = OK;
  struct client *client = incoming->group->client;
  struct proposal proposal;
  struct writer writer = {0};
  struct reader reader = reader_of(content->content.content);
  incoming->kind = E2EE_INCOMING_PROPOSAL;
  TRY(proposal_read(&reader, &client->why, &proposal));
  TRY(proposal_check(epoch, &proposal, content->content.sender, client_lifetimes(client),
                     &client->why));
  TRY(describe_proposal(incoming, epoch, &proposal));
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
  incoming->sender = staged.committer;
done:
  return err;
}

static enum err process_content(struct incoming *incoming, const struct epoch *epoch,
                                const struct authenticated_content *content) {
  struct sender sender = content->content.sender;
  incoming->sender = sender.type == SENDER_MEMBER ? sender.index : LEAF_NONE;
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
  return framing_open_private(&keys, &arrived->private_message, tree_width(epoch->tree),
                              &client->why, storage, content, &incoming->origin);
}

/* RFC 9420, section 14: the own commit comes back from the delivery service. */
static bool is_own_commit(const struct group *group, struct view message) {
  return group->pending != NULL && view_equal(bytes_view(&group->pending->message), message);
}

enum err process_message(struct group *group, struct view message, struct incoming **out) {
  enum err err = OK;
  struct arrived arrived = {0};
  struct authenticated_content content;
  struct bytes storage = {0};
  const struct epoch *epoch = NULL;
  struct incoming *incoming = mem_new(1, sizeof *incoming);
  TRY(incoming == NULL ? ERR_NOMEM : OK);
  incoming->group = group;
  incoming->epoch = group_epoch_number(group);
  if (is_own_commit(group, message)) {
    incoming->kind = E2EE_INCOMING_OWN_COMMIT;
    incoming->sender = group->pending->next->own_leaf;
    TRY(bytes_copy(&incoming->authenticated, message));
  } else {
    TRY(group_check_active(group));
    TRY(read_message(group, message, &arrived));
    TRY(find_epoch(group, &arrived, &epoch));
    incoming->epoch = arrived.epoch;
    TRY(open_message(incoming, epoch, &arrived, &storage, &content));
    TRY(verify_signature(epoch, &content, &group->client->why));
    TRY(process_content(incoming, epoch, &content));
  }
  *out = incoming;
  incoming = NULL;
done:
  bytes_free(&storage);
  incoming_free(incoming);
  return err;
}

/* ---- Accepting ---- */

static enum err accept_proposal(struct incoming *incoming, const struct framing_keys *keys) {
  enum err err = OK;
  struct group *group = incoming->group;
  struct secret *none = NULL;
  size_t before = group->proposals.count;
  TRY(proposal_store_restore(&group->proposals, group->epoch->suite,
                             bytes_view(&incoming->authenticated), &none));
  if (incoming->encrypted)
    TRY(framing_used(keys, &incoming->origin));
  group->revision++;
done:
  if (err != OK)
    proposal_store_cut(&group->proposals, before);
  return err;
}

static enum err accept_commit(struct incoming *incoming, const struct framing_keys *keys) {
  enum err err = OK;
  struct group *group = incoming->group;
  TRY(require(group->pending == NULL, &group->client->why, ERR_PENDING_COMMIT,
              "the own pending commit must be accepted or discarded first"));
  if (incoming->encrypted)
    TRY(framing_used(keys, &incoming->origin));
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
              ERR_NOT_FOUND, "the own commit was discarded"));
  TRY(commit_accepted(group));
done:
  return err;
}

enum err process_accept(struct incoming *incoming) {
  enum err err = OK;
  struct group *group = incoming->group;
  struct why *why = &group->client->why;
  TRY(require(!incoming->accepted, why, ERR_INVALID_STATE, "the message was accepted already"));
  TRY(require(!group->left && incoming->epoch == group_epoch_number(group), why, ERR_OLD_EPOCH,
              "the group has left the epoch of this message"));
  if (incoming->kind == E2EE_INCOMING_OWN_COMMIT) {
    TRY(accept_own_commit(incoming));
  } else {
    struct framing_keys keys = epoch_framing(group->epoch, group->client->settings.max_skip);
    TRY(incoming->kind == E2EE_INCOMING_PROPOSAL ? accept_proposal(incoming, &keys)
                                                 : accept_commit(incoming, &keys));
  }
  incoming->accepted = true;
done:
  return err;
}
