/* SPDX-License-Identifier: ISC */
#include "mls/group/invitation.h"

#include "crypto/hpke.h"
#include "mls/group/groupinfo.h"
#include "mls/keys/psk.h"

enum err invitation_crypt(const struct suite *suite, const struct secret *joiner_secret,
                          const struct secret *psk_secret, bool encrypt, struct view in,
                          uint8_t *out) {
  enum err err = OK;
  const struct aead *aead = suite->aead;
  uint8_t key[AEAD_KEY_MAX], nonce[AEAD_NONCE_MAX];
  struct secret welcome_secret = {0};
  struct aead_key *context = NULL;
  TRY(schedule_welcome(suite, joiner_secret, psk_secret, &welcome_secret));
  TRY(schedule_welcome_key(suite, &welcome_secret, key, nonce));
  TRY(aead->key_new(key, &context));
  TRY((encrypt ? aead->seal : aead->open)(context, nonce, NULL, 0, in, out));
done:
  wipe(key, sizeof key);
  secret_wipe(&welcome_secret);
  aead->key_free(context);
  return err;
}

static enum err write_psk_ids(const struct proposal_list *list, struct writer *writer) {
  for (size_t i = 0; i < list->count; i++)
    if (list->item[i].proposal.type == PROPOSAL_PSK)
      psk_id_write(writer, &list->item[i].proposal.body.psk);
  return writer->err;
}

/* EncryptedGroupSecrets of one new member. */
static enum err write_member_secrets(const struct invitation *to, size_t index, struct view psk_ids,
                                     const struct hpke_context *context, struct writer *writer) {
  enum err err = OK;
  const struct suite *suite = to->client->suite;
  uint8_t ref[HASH_MAX];
  struct key_package key_package = {0};
  struct bytes kem_output = {0}, ciphertext = {0};
  struct writer plaintext = {0};
  struct view raw = to->effects->added_key_package[index];
  struct reader reader = reader_of(raw);
  const struct secret *path_secret =
      treekem_shared_secret(to->path, to->next->own_leaf, to->effects->added[index]);
  struct group_secrets secrets = {
      .joiner_secret = secret_view(to->joiner_secret),
      .has_path_secret = path_secret != NULL,
      .path_secret = path_secret == NULL ? VIEW_NONE : secret_view(path_secret),
      .psks = psk_ids,
  };
  TRY(key_package_read(&reader, NULL, &key_package));
  TRY(key_package_ref(suite, raw, ref));
  group_secrets_write(&plaintext, &secrets);
  TRY(plaintext.err);
  TRY(hpke_encrypt(suite, key_package.init_key, context, writer_view(&plaintext), &kem_output,
                   &ciphertext));
  struct encrypted_group_secrets entry = {
      .new_member = view_of(ref, suite->hash->size),
      .secrets = {bytes_view(&kem_output), bytes_view(&ciphertext)},
  };
  encrypted_group_secrets_write(writer, &entry);
  err = writer->err;
done:
  key_package_free(&key_package);
  writer_free(&plaintext);
  bytes_free(&kem_output);
  bytes_free(&ciphertext);
  return err;
}

static enum err write_group_info(const struct invitation *to, struct bytes *encrypted) {
  static const uint8_t tag[AEAD_TAG_MAX];
  enum err err = OK;
  const struct suite *suite = to->client->suite;
  struct writer info = {0};
  TRY(group_info_sign(to->client, to->next, false, &info));
  size_t size = info.size;
  write_bytes(&info, view_of(tag, suite->aead->tag_size)); /* room for it: encrypted in place */
  TRY(info.err);
  TRY(invitation_crypt(suite, to->joiner_secret, to->psk_secret, true, view_of(info.data, size),
                       info.data));
  TRY(writer_take(&info, encrypted));
done:
  writer_free(&info);
  return err;
}

enum err invitation_write(const struct invitation *to, struct bytes *out) {
  enum err err = OK;
  struct bytes encrypted = {0};
  struct hpke_context context; /* the GroupInfo is long, and hashed once for all who join */
  struct writer psk_ids = {0}, secrets = {0}, writer = {0};
  TRY(write_psk_ids(to->list, &psk_ids));
  TRY(write_group_info(to, &encrypted));
  TRY(hpke_label_context(to->client->suite, LABEL_WELCOME, bytes_view(&encrypted), &context));
  for (size_t i = 0; i < to->effects->added_count; i++)
    TRY(write_member_secrets(to, i, writer_view(&psk_ids), &context, &secrets));
  struct welcome welcome = {
      .cipher_suite = to->client->suite->id,
      .secrets = writer_view(&secrets),
      .encrypted_group_info = bytes_view(&encrypted),
  };
  message_write_header(&writer, WIRE_WELCOME);
  welcome_write(&writer, &welcome);
  TRY(writer_take(&writer, out));
done:
  bytes_free(&encrypted);
  writer_free(&psk_ids);
  writer_free(&secrets);
  writer_free(&writer);
  return err;
}
