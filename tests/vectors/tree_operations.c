/*
 * Proposals applied to a ratchet tree (RFC 9420, sections 12.1.1 to 12.1.3).
 * SPDX-License-Identifier: ISC
 */
#include "crew.h"

#define MEMBERS_MAX 1024

static enum err apply_add(struct tree *tree, struct view add) {
  enum err err = OK;
  struct key_package key_package = {0};
  struct reader reader = reader_of(add);
  uint32_t index = 0;
  TRY(key_package_read(&reader, NULL, &key_package));
  TRY(tree_add_leaf(tree, key_package.leaf, &index));
done:
  key_package_free(&key_package);
  return err;
}

static enum err apply_update(struct tree *tree, struct view update, uint32_t sender) {
  enum err err = OK;
  struct leaf *leaf = NULL;
  struct reader reader = reader_of(update);
  TRY(leaf_read(&reader, NULL, &leaf));
  TRY(tree_replace_leaf(tree, sender, leaf));
  TRY(tree_blank_path(tree, sender));
done:
  leaf_drop(leaf);
  return err;
}

static enum err apply(struct tree *tree, struct view encoded, uint32_t sender) {
  enum err err = OK;
  struct reader reader = reader_of(encoded);
  struct proposal proposal;
  TRY(proposal_read(&reader, NULL, &proposal));
  TRY(read_end(&reader));
  switch (proposal.type) {
  case PROPOSAL_ADD:
    TRY(apply_add(tree, proposal.body.add));
    break;
  case PROPOSAL_UPDATE:
    TRY(apply_update(tree, proposal.body.update, sender));
    break;
  case PROPOSAL_REMOVE:
    TRY(tree_remove_leaf(tree, proposal.body.remove));
    break;
  default:
    return ERR_UNSUPPORTED;
  }
  err = tree_seal(tree);
done:
  return err;
}

static bool matches(json_object *vector, const char *tree_field, const char *hash_field,
                    const struct tree *tree) {
  struct writer writer = {0};
  tree_write(&writer, tree);
  bool ok =
      vectors_ok(writer.err, tree_field) && vectors_equal(vector, tree_field, writer_view(&writer));
  writer_free(&writer);
  return vectors_equal(vector, hash_field, tree_hash(tree)) && ok;
}

static bool check(const struct suite *suite, json_object *vector) {
  struct bytes encoded = vectors_bytes(vector, "tree_before");
  struct bytes proposal = vectors_bytes(vector, "proposal");
  struct why why = {""};
  struct tree *before = NULL, *after = NULL;
  bool ok =
      vectors_ok(tree_read(suite, bytes_view(&encoded), MEMBERS_MAX, &why, &before), why.text) &&
      vectors_ok(tree_edit(before, &after), "edit") &&
      vectors_ok(apply(after, bytes_view(&proposal), vectors_u32(vector, "proposal_sender")),
                 "proposal") &&
      matches(vector, "tree_after", "tree_hash_after", after) &&
      /* The old tree is a value of its own, whatever was done to the new one. */
      matches(vector, "tree_before", "tree_hash_before", before);
  tree_drop(after);
  tree_drop(before);
  bytes_free(&proposal);
  bytes_free(&encoded);
  return ok;
}

void vectors_tree_operations(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "proposal", check);
}

/* ---- Generating: proposals in a real group, applied as a commit would ---- */

static void put_tree(json_object *vector, const char *field, const struct tree *tree) {
  struct writer writer = {0};
  tree_write(&writer, tree);
  must(writer.err, "tree");
  put_hex(vector, field, writer_view(&writer));
  writer_free(&writer);
}

/* What the newest proposal of a member does to the tree; the proposal is forgotten then. */
static void put_operation(struct crew *crew, size_t by, json_object *array) {
  struct group *group = crew_group(crew, by);
  const struct stored_proposal *newest = &group->proposals.item[group->proposals.count - 1];
  struct proposal_rules rules = proposal_rules_received(group->client);
  struct proposal_list list = {0};
  struct effects effects = {0};
  json_object *vector = append_object(array);
  must(proposal_list_add(&list, &newest->proposal, newest->sender, newest), "list");
  /* Nobody commits an Update of its own (section 12.2). */
  size_t committer = newest->proposal.type == PROPOSAL_UPDATE ? crew_pick(crew, by) : by;
  must(proposals_apply(group->epoch, &list, crew_leaf(crew, committer), &rules, NULL, &effects),
       group->client->why.text);
  must(tree_seal(effects.tree), "tree");
  put_number(vector, "cipher_suite", crew->suite->id);
  put_hex(vector, "proposal", newest->proposal.raw);
  put_number(vector, "proposal_sender", newest->sender.index);
  put_tree(vector, "tree_after", effects.tree);
  put_tree(vector, "tree_before", group->epoch->tree);
  put_hex(vector, "tree_hash_after", tree_hash(effects.tree));
  put_hex(vector, "tree_hash_before", tree_hash(group->epoch->tree));
  effects_free(&effects);
  proposal_list_free(&list);
  proposal_store_clear(&group->proposals);
}

static void propose_add(struct crew *crew, size_t by, size_t who, json_object *array) {
  struct bytes key_package = {0}, message = {0};
  must(client_key_package(crew_client(crew, who), &key_package), "key package");
  must(group_propose_add(crew_group(crew, by), bytes_view(&key_package), &message), "Add");
  put_operation(crew, by, array);
  bytes_free(&message);
  bytes_free(&key_package);
}

static void propose_remove(struct crew *crew, size_t by, size_t who, json_object *array) {
  struct bytes message = {0};
  must(group_propose_remove(crew_group(crew, by), crew_leaf(crew, who), &message), "Remove");
  put_operation(crew, by, array);
  bytes_free(&message);
}

static void generate(const struct suite *suite, json_object *array) {
  struct bytes message = {0};
  struct crew crew;
  crew_new(&crew, suite, 6);
  crew_found(&crew, 4);
  propose_add(&crew, 1, 5, array); /* the tree is full: it doubles */
  crew_add(&crew, 0, 4);
  propose_add(&crew, 1, 5, array);
  propose_remove(&crew, 0, 4, array); /* the tree halves */
  propose_remove(&crew, 4, 1, array);
  must(group_propose_update(crew_group(&crew, 2), &message), "Update");
  put_operation(&crew, 2, array);
  bytes_free(&message);
  crew_remove(&crew, 0, 1);
  propose_add(&crew, 3, 5, array);    /* into the hole */
  propose_remove(&crew, 3, 4, array); /* the tree halves, with a hole in it */
  crew_free(&crew);
}

json_object *generate_tree_operations(uint16_t suite) {
  return generate_suites(suite, generate);
}
