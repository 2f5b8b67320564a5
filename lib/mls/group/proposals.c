/* SPDX-License-Identifier: ISC */
#include "mls/group/proposals.h"

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

/* ---- Types ---- */

/* The place of a type's row in the table. */
static size_t kind_index(uint16_t type) {
  for (size_t i = 1; proposal_kinds[i] != NULL; i++)
    if (proposal_kinds[i]->type == type)
      return i;
  return 0;
}

const struct proposal_kind *proposal_kind_of(uint16_t type) {
  return proposal_kinds[kind_index(type)];
}

uint32_t proposal_leaf(const struct proposal *proposal, struct sender sender) {
  const struct proposal_kind *kind = proposal_kind_of(proposal->type);
  return kind->leaf != NULL ? kind->leaf(proposal, sender) : LEAF_NONE;
}

enum err proposal_check_settings(const struct settings *settings, const struct epoch *epoch,
                                 const struct proposal *proposal, struct why *why) {
  const struct proposal_kind *kind = proposal_kind_of(proposal->type);
  return kind->check_settings != NULL ? kind->check_settings(settings, epoch, proposal, why) : OK;
}

/* ---- List ---- */

enum err proposal_list_add(struct proposal_list *list, const struct proposal *proposal,
                           struct sender sender, const struct stored_proposal *stored) {
  enum err err = mem_grow(&list->item, &list->capacity, list->count + 1, sizeof *list->item);
  if (err != OK)
    return err;
  size_t row = kind_index(proposal->type);
  list->item[list->count++] =
      (struct listed_proposal){*proposal, sender, stored, false, (uint8_t)row};
  list->of_row[row]++;
  return OK;
}

void proposal_list_remove(struct proposal_list *list, size_t at) {
  list->of_row[list->item[at].row]--;
  list->count--;
  memmove(list->item + at, list->item + at + 1, (list->count - at) * sizeof *list->item);
}

void proposal_list_free(struct proposal_list *list) {
  mem_free(list->item);
  *list = (struct proposal_list){0};
}

size_t proposal_list_count(const struct proposal_list *list, uint16_t type) {
  return list->of_row[kind_index(type)];
}

/* ---- Reading a list ---- */

/* The store in the order of its references, because a commit may name every one of it. */
static int compare_refs(const void *a, const void *b) {
  const struct stored_proposal *const *left = a, *const *right = b;
  return memcmp((*left)->ref, (*right)->ref, sizeof(*left)->ref);
}

static enum err sort_store(const struct proposal_store *store,
                           const struct stored_proposal ***sorted) {
  *sorted = mem_new(store->count, sizeof **sorted);
  if (*sorted == NULL)
    return ERR_NOMEM;
  for (size_t i = 0; i < store->count; i++)
    (*sorted)[i] = &store->item[i];
  qsort(*sorted, store->count, sizeof **sorted, compare_refs);
  return OK;
}

static const struct stored_proposal *find_sorted(const struct stored_proposal *const *sorted,
                                                 size_t count, const struct suite *suite,
                                                 struct view reference) {
  struct stored_proposal like = {0};
  const struct stored_proposal *key = &like;
  if (reference.size != suite->hash->size)
    return NULL;
  memcpy(like.ref, reference.data, reference.size);
  const struct stored_proposal *const *found =
      bsearch(&key, sorted, count, sizeof *sorted, compare_refs);
  return found == NULL ? NULL : *found;
}

/* A list that is being read. */
struct list_reader {
  struct proposal_list *list;
  const struct proposal_store *store;
  const struct stored_proposal **sorted; /* once a reference was read */
  const struct epoch *epoch;
  struct sender committer;
  const struct proposal_rules *rules;
  bool *named; /* of the store */
};

static enum err resolve_reference(struct list_reader *from, struct view reference) {
  enum err err = OK;
  struct why *why = from->rules->why;
  if (from->sorted == NULL) {
    TRY(sort_store(from->store, &from->sorted));
    from->named = mem_new(from->store->count, sizeof *from->named);
    TRY(from->named == NULL ? ERR_NOMEM : OK);
  }
  const struct stored_proposal *stored =
      find_sorted(from->sorted, from->store->count, from->epoch->suite, reference);
  TRY(require(stored != NULL, why, ERR_MISSING_PROPOSAL,
              "RFC 9420, section 12.4: proposal %zu of the commit was never received",
              from->list->count));
  /* What was proposed once happens once, whatever its type; and lookups end. */
  bool *already = &from->named[stored - from->store->item];
  TRY(require(!*already, why, ERR_INVALID_PROPOSAL,
              "RFC 9420, section 12.2: a commit names one proposal twice"));
  *already = true;
  TRY(proposal_list_add(from->list, &stored->proposal, stored->sender, stored));
done:
  return err;
}

static enum err resolve_item(struct list_reader *from, const struct proposal_or_ref *item) {
  enum err err = OK;
  if (item->by_reference)
    return resolve_reference(from, item->reference);
  const struct proposal_kind *kind = proposal_kind_of(item->proposal.type);
  if (kind->check_room != NULL)
    TRY(kind->check_room(from->epoch->suite, &item->proposal, from->rules->why));
  TRY(proposal_list_add(from->list, &item->proposal, from->committer, NULL));
done:
  return err;
}

enum err proposal_list_resolve(struct proposal_list *list, struct view proposals,
                               const struct proposal_store *store, const struct epoch *epoch,
                               struct sender committer, const struct proposal_rules *rules) {
  enum err err = OK;
  struct list_reader from = {list, store, NULL, epoch, committer, rules, NULL};
  bool external = committer.type == SENDER_NEW_MEMBER_COMMIT;
  struct reader reader = reader_of(proposals);
  while (reader.left > 0) {
    struct proposal_or_ref item;
    TRY(proposal_or_ref_read(&reader, rules->why, &item));
    TRY(resolve_item(&from, &item));
    TRY(proposal_list_check_item(&list->item[list->count - 1], external, rules->why));
    TRY(proposal_list_check_size(list, epoch, external, rules));
  }
done:
  mem_free(from.named);
  mem_free(from.sorted);
  return err;
}

/* ---- Removals ---- */

bool proposals_find_removal(struct view proposals, const struct proposal_store *store,
                            const struct suite *suite, struct sender committer, uint32_t leaf,
                            struct listed_proposal *out) {
  bool removes = false;
  const struct stored_proposal **sorted = NULL;
  struct reader reader = reader_of(proposals);
  if (sort_store(store, &sorted) != OK)
    return false;
  /* No honest commit names more than can be kept. */
  for (size_t references = 0; reader.left > 0 && references <= PROPOSALS_MAX && !removes;) {
    struct proposal_or_ref item;
    if (proposal_or_ref_read(&reader, NULL, &item) != OK)
      break;
    struct listed_proposal found = {.proposal = item.proposal, .sender = committer};
    if (item.by_reference) {
      references++;
      found.stored = find_sorted(sorted, store->count, suite, item.reference);
      if (found.stored == NULL)
        continue;
      found.proposal = found.stored->proposal;
      found.sender = found.stored->sender;
    }
    removes = proposal_kind_of(found.proposal.type)->removes &&
              proposal_leaf(&found.proposal, found.sender) == leaf;
    if (removes)
      *out = found;
  }
  mem_free(sorted);
  return removes;
}

static void write_items(struct writer *writer, const struct proposal_list *list, bool removals,
                        const struct suite *suite) {
  for (size_t i = 0; i < list->count; i++) {
    const struct listed_proposal *item = &list->item[i];
    if (proposal_kinds[item->row]->removes != removals)
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
  write_items(writer, list, true, suite);
  write_items(writer, list, false, suite);
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
