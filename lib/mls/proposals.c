/* SPDX-License-Identifier: ISC */
#include "mls/proposals.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/kdf.h"

/* ---- Store ---- */

static void stored_free(struct stored_proposal *stored) {
  bytes_free(&stored->authenticated);
  locked_free(stored->update_key, sizeof *stored->update_key);
}

static const struct stored_proposal *store_find(const struct proposal_store *store,
                                                const struct suite *suite, struct view ref) {
  for (size_t i = 0; i < store->count; i++)
    if (view_equal(view_of(store->item[i].ref, suite->hash->size), ref))
      return &store->item[i];
  return NULL;
}

/* The views of a stored proposal, from its AuthenticatedContent. */
static enum err stored_parse(struct stored_proposal *stored) {
  enum err err = OK;
  struct authenticated_content read;
  TRY(framing_read_authenticated(bytes_view(&stored->authenticated), &read));
  TRY(read.content.content_type == CONTENT_PROPOSAL ? OK : ERR_MALFORMED);
  struct reader body = reader_of(read.content.content);
  TRY(proposal_read(&body, NULL, &stored->proposal));
  stored->sender = read.content.sender;
done:
  return err;
}

enum err proposal_store_restore(struct proposal_store *store, const struct suite *suite,
                                struct view authenticated, struct secret **update_key) {
  enum err err = OK;
  struct stored_proposal stored = {0};
  if (store->count >= PROPOSALS_MAX || authenticated.size > PROPOSALS_BYTES_MAX - store->bytes)
    return ERR_LIMIT;
  TRY(mem_grow(&store->item, &store->capacity, store->count + 1, sizeof stored));
  TRY(bytes_copy(&stored.authenticated, authenticated));
  TRY(stored_parse(&stored));
  TRY(kdf_ref_hash(suite, VIEW_TEXT("MLS 1.0 Proposal Reference"), authenticated, stored.ref));
  if (store_find(store, suite, view_of(stored.ref, suite->hash->size)) == NULL) {
    stored.update_key = *update_key;
    *update_key = NULL;
    store->item[store->count++] = stored;
    store->bytes += authenticated.size;
    stored = (struct stored_proposal){0};
  }
done:
  stored_free(&stored);
  return err;
}

enum err proposal_store_add(struct proposal_store *store, const struct suite *suite,
                            const struct authenticated_content *content,
                            struct secret **update_key) {
  enum err err = OK;
  struct secret *none = NULL;
  struct writer writer = {0};
  framing_write_authenticated(&writer, content);
  TRY(writer.err);
  TRY(proposal_store_restore(store, suite, writer_view(&writer),
                             update_key != NULL ? update_key : &none));
done:
  writer_free(&writer);
  return err;
}

const struct stored_proposal *proposal_store_find_leave(const struct proposal_store *store,
                                                        uint32_t leaf) {
  for (size_t i = 0; i < store->count; i++)
    if (store->item[i].proposal.type == PROPOSAL_SELF_REMOVE && store->item[i].sender.index == leaf)
      return &store->item[i];
  return NULL;
}

void proposal_store_cut(struct proposal_store *store, size_t count) {
  while (store->count > count) {
    store->bytes -= store->item[store->count - 1].authenticated.size;
    stored_free(&store->item[--store->count]);
  }
}

void proposal_store_clear(struct proposal_store *store) {
  proposal_store_cut(store, 0);
  mem_free(store->item);
  *store = (struct proposal_store){0};
}

/* ---- List ---- */

enum err proposal_list_add(struct proposal_list *list, const struct proposal *proposal,
                           struct sender sender, const struct stored_proposal *stored) {
  enum err err = mem_grow(&list->item, &list->capacity, list->count + 1, sizeof *list->item);
  if (err == OK)
    list->item[list->count++] = (struct listed_proposal){*proposal, sender, stored, false};
  return err;
}

void proposal_list_remove(struct proposal_list *list, size_t at) {
  list->count--;
  memmove(list->item + at, list->item + at + 1, (list->count - at) * sizeof *list->item);
}

void proposal_list_free(struct proposal_list *list) {
  mem_free(list->item);
  *list = (struct proposal_list){0};
}

enum err proposal_list_resolve(struct proposal_list *list, struct view proposals,
                               const struct proposal_store *store, const struct suite *suite,
                               struct sender committer, struct why *why) {
  enum err err = OK;
  struct reader reader = reader_of(proposals);
  bool *named = mem_new(store->count, sizeof *named);
  TRY(named == NULL ? ERR_NOMEM : OK);
  while (reader.left > 0) {
    struct proposal_or_ref item;
    TRY(proposal_or_ref_read(&reader, why, &item));
    if (!item.by_reference) {
      TRY(proposal_list_add(list, &item.proposal, committer, NULL));
      continue;
    }
    const struct stored_proposal *stored = store_find(store, suite, item.reference);
    TRY(require(stored != NULL, why, ERR_MISSING_PROPOSAL,
                "RFC 9420, section 12.4: proposal %zu of the commit was never received",
                list->count));
    /* What was proposed once happens once, whatever its type; and lookups end. */
    bool *already = &named[stored - store->item];
    TRY(require(!*already, why, ERR_INVALID_PROPOSAL,
                "RFC 9420, section 12.2: a commit names one proposal twice"));
    *already = true;
    TRY(proposal_list_add(list, &stored->proposal, stored->sender, stored));
  }
done:
  mem_free(named);
  return err;
}

/* The leaf that a proposal replaces or takes away; LEAF_NONE for the others. */
static uint32_t touched_leaf(const struct proposal *proposal, struct sender sender) {
  if (proposal->type == PROPOSAL_UPDATE || proposal->type == PROPOSAL_SELF_REMOVE)
    return sender.index;
  return proposal->type == PROPOSAL_REMOVE ? proposal->body.remove : LEAF_NONE;
}

bool proposals_find_removal(struct view proposals, const struct proposal_store *store,
                            const struct suite *suite, struct sender committer, uint32_t leaf,
                            struct listed_proposal *out) {
  struct reader reader = reader_of(proposals);
  /* No honest commit names more than can be kept, and lookups end. */
  for (size_t references = 0; reader.left > 0 && references <= PROPOSALS_MAX;) {
    struct proposal_or_ref item;
    if (proposal_or_ref_read(&reader, NULL, &item) != OK)
      return false;
    struct listed_proposal found = {.proposal = item.proposal, .sender = committer};
    if (item.by_reference) {
      references++;
      found.stored = store_find(store, suite, item.reference);
      if (found.stored == NULL)
        continue;
      found.proposal = found.stored->proposal;
      found.sender = found.stored->sender;
    }
    if (proposal_removes(found.proposal.type) &&
        touched_leaf(&found.proposal, found.sender) == leaf) {
      *out = found;
      return true;
    }
  }
  return false;
}

static bool same_psk(const struct psk_id *a, const struct psk_id *b) {
  if (a->type != b->type)
    return false;
  if (a->type == PSK_EXTERNAL)
    return view_equal(a->external_id, b->external_id);
  return a->usage == b->usage && view_equal(a->psk_group_id, b->psk_group_id) &&
         a->psk_epoch == b->psk_epoch;
}

/* RFC 9420, section 12.2: two proposals that no list may hold both.  Two Adds of one client are found
 * by the tree, where no key occurs twice. */
static bool in_conflict(const struct proposal *a, struct sender by_a, const struct proposal *b,
                        struct sender by_b) {
  uint32_t leaf = touched_leaf(a, by_a);
  if (leaf != LEAF_NONE && leaf == touched_leaf(b, by_b))
    return true;
  if (a->type == PROPOSAL_REINIT || b->type == PROPOSAL_REINIT)
    return true;
  if (a->type != b->type)
    return false;
  switch (a->type) {
  case PROPOSAL_PSK:
    return same_psk(&a->body.psk, &b->body.psk);
  case PROPOSAL_GROUP_CONTEXT_EXTENSIONS:
  case PROPOSAL_EXTERNAL_INIT:
    return true;
  default:
    return false;
  }
}

bool proposal_list_admits(const struct proposal_list *list, const struct proposal *proposal,
                          struct sender sender, uint32_t committer) {
  /* Updates and removals of the committer are for others to commit. */
  if (committer != LEAF_NONE && touched_leaf(proposal, sender) == committer)
    return false;
  for (size_t i = 0; i < list->count; i++)
    if (in_conflict(&list->item[i].proposal, list->item[i].sender, proposal, sender))
      return false;
  return true;
}

static void write_items(struct writer *writer, const struct proposal_list *list, bool removals,
                        const struct suite *suite) {
  for (size_t i = 0; i < list->count; i++) {
    const struct listed_proposal *item = &list->item[i];
    if (proposal_removes(item->proposal.type) != removals)
      continue;
    if (item->stored != NULL)
      proposal_or_ref_write_reference(writer, view_of(item->stored->ref, suite->hash->size));
    else
      proposal_or_ref_write_proposal(writer, item->proposal.raw);
  }
}

/* The order of Adds counts, and that of PSKs; removals may stand anywhere (section 12.3). */
void proposal_list_write(struct writer *writer, const struct proposal_list *list,
                         const struct suite *suite) {
  size_t begin = write_begin(writer);
  write_items(writer, list, true, suite);
  write_items(writer, list, false, suite);
  write_end(writer, begin);
}

struct proposal_rules proposal_rules_own(struct client *client) {
  return (struct proposal_rules){
      .lifetime = client_lifetime_rules(client, LIFETIME_ADDED),
      .max_members = client->settings.max_members,
      .path_types = writer_view(&client->path_types),
      .why = &client->why,
  };
}

struct proposal_rules proposal_rules_received(struct client *client) {
  return (struct proposal_rules){
      .lifetime = client_lifetime_rules(client, LIFETIME_RECEIVED),
      .max_members = TREE_MEMBERS_MAX,
      .path_types = writer_view(&client->path_types),
      .why = &client->why,
  };
}
