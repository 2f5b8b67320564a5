/*
 * crypto-basics: the labelled operations of RFC 9420, section 5, as computed by others; signatures
 * and ciphertexts of our own are read back too.
 * SPDX-License-Identifier: ISC
 */
#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "vectors.h"

static bool check_ref_hash(const struct suite *suite, json_object *object) {
  uint8_t out[HASH_MAX];
  struct bytes value = vectors_bytes(object, "value");
  bool good = vectors_ok(
      kdf_ref_hash(suite, vectors_text_view(object, "label"), bytes_view(&value), out), "RefHash");
  good = good && vectors_equal(object, "out", view_of(out, suite->hash->size));
  bytes_free(&value);
  return good;
}

static bool check_expand_with_label(const struct suite *suite, json_object *object) {
  size_t length = vectors_u16(object, "length");
  struct bytes secret = vectors_bytes(object, "secret"), context = vectors_bytes(object, "context");
  uint8_t *out = mem_new(length, 1);
  bool good = out != NULL && vectors_ok(kdf_expand_with_label(suite, bytes_view(&secret),
                                                              vectors_text_view(object, "label"),
                                                              bytes_view(&context), out, length),
                                        "ExpandWithLabel");
  good = good && vectors_equal(object, "out", view_of(out, length));
  mem_free(out);
  bytes_free(&context);
  bytes_free(&secret);
  return good;
}

static bool check_derive_secret(const struct suite *suite, json_object *object) {
  struct secret secret = vectors_secret(object, "secret"), out = {0};
  bool good = vectors_ok(
      kdf_derive_secret(suite, &secret, vectors_text_view(object, "label"), &out), "DeriveSecret");
  good = good && vectors_equal(object, "out", secret_view(&out));
  secret_wipe(&out);
  secret_wipe(&secret);
  return good;
}

static bool check_derive_tree_secret(const struct suite *suite, json_object *object) {
  size_t length = vectors_u16(object, "length");
  struct secret secret = vectors_secret(object, "secret");
  uint8_t *out = mem_new(length, 1);
  bool good = out != NULL &&
              vectors_ok(kdf_derive_tree_secret(suite, &secret, vectors_text_view(object, "label"),
                                                vectors_u32(object, "generation"), out, length),
                         "DeriveTreeSecret");
  good = good && vectors_equal(object, "out", view_of(out, length));
  mem_free(out);
  secret_wipe(&secret);
  return good;
}

static bool check_sign_with_label(const struct suite *suite, json_object *object) {
  struct view label = vectors_text_view(object, "label");
  struct secret private_key = vectors_secret(object, "priv");
  struct bytes public_key = vectors_bytes(object, "pub"), own = {NULL, 0};
  struct bytes content = vectors_bytes(object, "content");
  struct bytes signature = vectors_bytes(object, "signature");
  bool good = vectors_ok(verify_with_label(suite, bytes_view(&public_key), label,
                                           bytes_view(&content), bytes_view(&signature)),
                         "VerifyWithLabel");
  good = good &&
         vectors_ok(sign_with_label(suite, &private_key, label, bytes_view(&content), &own),
                    "SignWithLabel") &&
         vectors_ok(verify_with_label(suite, bytes_view(&public_key), label, bytes_view(&content),
                                      bytes_view(&own)),
                    "VerifyWithLabel of our own signature");
  bytes_free(&own);
  bytes_free(&signature);
  bytes_free(&content);
  bytes_free(&public_key);
  secret_wipe(&private_key);
  return good;
}

/* Opens what others sealed, then what we seal to the same key. */
static bool check_encrypt_with_label(const struct suite *suite, json_object *object) {
  struct view label = vectors_text_view(object, "label");
  struct secret private_key = vectors_secret(object, "priv");
  struct bytes public_key = vectors_bytes(object, "pub"), opened = {NULL, 0};
  struct bytes context = vectors_bytes(object, "context");
  struct bytes plaintext = vectors_bytes(object, "plaintext");
  struct bytes kem_output = vectors_bytes(object, "kem_output");
  struct bytes ciphertext = vectors_bytes(object, "ciphertext");
  bool good =
      vectors_ok(hpke_decrypt_with_label(suite, &private_key, label, bytes_view(&context),
                                         bytes_view(&kem_output), bytes_view(&ciphertext), &opened),
                 "DecryptWithLabel");
  good = good && vectors_equal(object, "plaintext", bytes_view(&opened));
  bytes_free(&opened);
  bytes_free(&kem_output);
  bytes_free(&ciphertext);
  good =
      good &&
      vectors_ok(hpke_check_key_pair(suite, &private_key, bytes_view(&public_key)), "key pair") &&
      vectors_ok(hpke_encrypt_with_label(suite, bytes_view(&public_key), label,
                                         bytes_view(&context), bytes_view(&plaintext), &kem_output,
                                         &ciphertext),
                 "EncryptWithLabel") &&
      vectors_ok(hpke_decrypt_with_label(suite, &private_key, label, bytes_view(&context),
                                         bytes_view(&kem_output), bytes_view(&ciphertext), &opened),
                 "DecryptWithLabel of our own ciphertext") &&
      vectors_equal(object, "plaintext", bytes_view(&opened));
  bytes_free(&opened);
  bytes_free(&ciphertext);
  bytes_free(&kem_output);
  bytes_free(&plaintext);
  bytes_free(&context);
  bytes_free(&public_key);
  secret_wipe(&private_key);
  return good;
}

void vectors_crypto_basics(json_object *root, struct tally *tally) {
  for (size_t i = 0; i < vectors_count(root); i++) {
    json_object *vector = vectors_item(root, i);
    const struct suite *suite = vectors_suite(vector);
    if (suite == NULL) {
      vectors_skip(tally);
      continue;
    }
    bool good = check_ref_hash(suite, vectors_field(vector, "ref_hash"));
    good &= check_expand_with_label(suite, vectors_field(vector, "expand_with_label"));
    good &= check_derive_secret(suite, vectors_field(vector, "derive_secret"));
    good &= check_derive_tree_secret(suite, vectors_field(vector, "derive_tree_secret"));
    good &= check_sign_with_label(suite, vectors_field(vector, "sign_with_label"));
    good &= check_encrypt_with_label(suite, vectors_field(vector, "encrypt_with_label"));
    vectors_check(tally, good, "crypto-basics", i);
  }
}
