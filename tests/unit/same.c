/* SPDX-License-Identifier: ISC */
#include "same.h"

#include <check.h>

void same_bytes(struct view a, struct view b) {
  ck_assert_uint_eq(a.size, b.size);
  ck_assert(view_equal(a, b));
}

static void same_secret(const struct secret *a, const struct secret *b) {
  same_bytes(secret_view(a), secret_view(b));
}

static void same_secrets(const struct epoch_secrets *a, const struct epoch_secrets *b) {
  ck_assert((a == NULL) == (b == NULL));
  if (a == NULL)
    return;
  same_secret(&a->sender_data, &b->sender_data);
  same_secret(&a->encryption, &b->encryption);
  same_secret(&a->exporter, &b->exporter);
  same_secret(&a->epoch_authenticator, &b->epoch_authenticator);
  same_secret(&a->external, &b->external);
  same_secret(&a->confirmation, &b->confirmation);
  same_secret(&a->membership, &b->membership);
  same_secret(&a->resumption_psk, &b->resumption_psk);
  same_secret(&a->init, &b->init);
}

static void same_secret_tree(const struct secret_tree *a, const struct secret_tree *b) {
  struct writer x = {0}, y = {0};
  ck_assert((a == NULL) == (b == NULL));
  if (a == NULL)
    return;
  secret_tree_write(&x, a);
  secret_tree_write(&y, b);
  same_bytes(writer_view(&x), writer_view(&y));
  writer_free(&x);
  writer_free(&y);
}

void same_tree(const struct tree *a, const struct tree *b) {
  struct writer x = {0}, y = {0};
  tree_write(&x, a);
  tree_write(&y, b);
  same_bytes(writer_view(&x), writer_view(&y));
  same_bytes(tree_hash(a), tree_hash(b));
  writer_free(&x);
  writer_free(&y);
}

static void same_epoch(const struct epoch *a, const struct epoch *b) {
  ck_assert_ptr_eq(a->suite, b->suite);
  same_bytes(bytes_view(&a->context_raw), bytes_view(&b->context_raw));
  ck_assert_uint_eq(a->context.epoch, b->context.epoch);
  same_bytes(a->context.extensions, b->context.extensions);
  ck_assert_uint_eq(a->own_leaf, b->own_leaf);
  same_bytes(epoch_confirmation_tag(a), epoch_confirmation_tag(b));
  same_bytes(epoch_interim_hash(a), epoch_interim_hash(b));
  same_tree(a->tree, b->tree);
  ck_assert((a->keys == NULL) == (b->keys == NULL));
  for (size_t i = 0; a->keys != NULL && i < PATH_NODES_MAX; i++)
    same_secret(&a->keys->at[i], &b->keys->at[i]);
  if (a->keys != NULL)
    ck_assert_uint_eq(a->keys->leaf, b->keys->leaf);
  same_secrets(a->secrets, b->secrets);
  same_bytes(bytes_view(&a->reinit), bytes_view(&b->reinit));
  same_secret_tree(a->secret_tree, b->secret_tree);
}

static void same_proposals(const struct proposal_store *a, const struct proposal_store *b) {
  ck_assert_uint_eq(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const struct stored_proposal *x = &a->item[i], *y = &b->item[i];
    same_bytes(bytes_view(&x->authenticated), bytes_view(&y->authenticated));
    same_bytes(VIEW_ARRAY(x->ref), VIEW_ARRAY(y->ref));
    same_bytes(x->proposal.raw, y->proposal.raw);
    ck_assert_int_eq(x->sender.type, y->sender.type);
    ck_assert_uint_eq(x->sender.index, y->sender.index);
    ck_assert((x->update_key == NULL) == (y->update_key == NULL));
    if (x->update_key != NULL)
      same_secret(x->update_key, y->update_key);
  }
}

static void same_link(const struct group_link *a, const struct group_link *b) {
  ck_assert((a == NULL) == (b == NULL));
  if (a == NULL)
    return;
  ck_assert_uint_eq(a->usage, b->usage);
  ck_assert_uint_eq(a->epoch, b->epoch);
  same_bytes(bytes_view(&a->group_id), bytes_view(&b->group_id));
  same_secret(&a->psk, &b->psk);
}

void same_group(const struct group *a, const struct group *b) {
  same_epoch(a->epoch, b->epoch);
  ck_assert_uint_eq(a->past_count, b->past_count);
  for (size_t i = 0; i < a->past_count; i++)
    same_epoch(a->past[i], b->past[i]);
  ck_assert_uint_eq(a->psks.count, b->psks.count);
  for (size_t i = 0; i < a->psks.count; i++) {
    ck_assert_uint_eq(a->psks.item[i].epoch, b->psks.item[i].epoch);
    same_secret(&a->psks.item[i].psk, &b->psks.item[i].psk);
  }
  same_proposals(&a->proposals, &b->proposals);
  ck_assert((a->pending == NULL) == (b->pending == NULL));
  if (a->pending != NULL) {
    same_bytes(bytes_view(&a->pending->message), bytes_view(&b->pending->message));
    same_bytes(bytes_view(&a->pending->welcome), bytes_view(&b->pending->welcome));
    same_epoch(a->pending->next, b->pending->next);
  }
  same_link(a->link, b->link);
  same_bytes(bytes_view(&a->external_pub), bytes_view(&b->external_pub));
  ck_assert_uint_eq(a->revision, b->revision);
  ck_assert(a->left == b->left);
}

void same_client(const struct client *a, const struct client *b) {
  ck_assert_ptr_eq(a->suite, b->suite);
  same_bytes(bytes_view(&a->credential), bytes_view(&b->credential));
  same_bytes(bytes_view(&a->signature_public), bytes_view(&b->signature_public));
  same_secret(a->signature_key, b->signature_key);
  ck_assert_uint_eq(a->key_package_count, b->key_package_count);
  for (size_t i = 0; i < a->key_package_count; i++) {
    const struct own_key_package *x = &a->key_packages[i], *y = &b->key_packages[i];
    same_bytes(bytes_view(&x->raw), bytes_view(&y->raw));
    same_bytes(VIEW_ARRAY(x->ref), VIEW_ARRAY(y->ref));
    ck_assert((x->secret == NULL) == (y->secret == NULL));
    if (x->secret != NULL) {
      same_secret(&x->secret->init_key, &y->secret->init_key);
      same_secret(&x->secret->encryption_key, &y->secret->encryption_key);
    }
    ck_assert_uint_eq(x->not_before, y->not_before);
    ck_assert_uint_eq(x->not_after, y->not_after);
    ck_assert_uint_eq(x->joined_count, y->joined_count);
    ck_assert((x->joined == NULL) == (y->joined == NULL));
    if (x->joined != NULL)
      ck_assert_mem_eq(x->joined, y->joined, LAST_RESORT_JOINS_MAX * sizeof *x->joined);
  }
  ck_assert_uint_eq(a->psk_count, b->psk_count);
  for (size_t i = 0; i < a->psk_count; i++) {
    same_bytes(bytes_view(&a->psks[i].id), bytes_view(&b->psks[i].id));
    same_bytes(bytes_view(&a->psks[i].psk), bytes_view(&b->psks[i].psk));
  }
}
