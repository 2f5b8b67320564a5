/*
 * Proposals applied to a ratchet tree (RFC 9420, sections 12.1.1 to 12.1.3).
 * SPDX-License-Identifier: ISC
 */
#include "mls/proposal.h"
#include "mls/tree.h"
#include "vectors.h"

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
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL)
      vectors_skip(tally);
    else
      vectors_check(tally, check(suite, vector), "proposal", i);
  }
}
