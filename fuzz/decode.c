/*
 * Every reader of the wire structs: the first byte selects the struct, the rest is its encoding.
 * Encodings are unique (RFC 9420, section 2.1), so what was read must be written back the same.
 * And what is read without keys, of the same bytes.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/mls.h>

#include "crypto/x509.h"
#include "harness.h"
#include "mls/tree/tree.h"
#include "tests/recode.h"

#define SUITE 1
#define MEMBERS_MAX 4096

static enum err recode_tree(struct reader *reader, struct writer *writer, struct why *why) {
  struct tree *tree = NULL;
  struct view bytes = {reader->at, reader->left};
  enum err err;
  TRY(tree_read(suite_find(SUITE), bytes, MEMBERS_MAX, why, &tree));
  TRY(read_bytes(reader, bytes.size, &bytes));
  tree_write(writer, tree);
  (void)!tree_verify_parent_hashes(tree, 1, why);
done:
  tree_drop(tree);
  return err;
}

/* A certificate chain and the roots to verify it with. */
static enum err recode_chain(struct reader *reader, struct writer *writer, struct why *why) {
  struct view chain, roots;
  enum err err;
  (void)why;
  TRY(read_vector(reader, &chain));
  TRY(read_vector(reader, &roots));
  (void)!x509_verify(chain, roots, HARNESS_TIME);
  (void)!x509_check_key(suite_find(SUITE), chain, roots);
  write_vector(writer, chain);
  write_vector(writer, roots);
done:
  return err;
}

/* Every part of whatever it is. */
static void peek(const uint8_t *data, size_t size) {
  e2ee_message_info info;
  if (e2ee_message_peek(data, size, &info, sizeof info) != 0)
    return;
  for (uint32_t part = E2EE_PART_GROUP_ID; part <= E2EE_PART_IDENTITY; part++) {
    size_t len = 0;
    int err = e2ee_message_peek_part(data, size, part, NULL, &len);
    if (err == 0 && part == E2EE_PART_KEY_PACKAGE_REF && info.kind == E2EE_MESSAGE_WELCOME)
      harness_require(len % info.count == 0, "references of one length");
  }
}

/* The order is that of the first byte of the inputs in corpus/decode: add at the end only. */
static recoder *const structs[] = {recode_message, recode_leaf,          recode_proposal,
                                   recode_commit,  recode_group_secrets, recode_tree,
                                   recode_chain};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  struct reader reader = {data + 1, size - 1};
  struct writer writer = {0};
  struct why why;
  enum err err = structs[data[0] % (sizeof structs / sizeof structs[0])](&reader, &writer, &why);
  struct view read = {data + 1, size - 1 - reader.left};
  harness_require(err != OK || view_equal(read, writer_view(&writer)),
                  "what was read is written differently");
  writer_free(&writer);
  peek(data + 1, size - 1);
  return 0;
}
