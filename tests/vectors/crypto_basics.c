/*
 * crypto-basics: the labelled operations of RFC 9420, section 5, as computed by others; signatures
 * and ciphertexts of our own are read back too.
 * SPDX-License-Identifier: ISC
 */
#include "base/mem.h"
#include "crypto/hpke.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "generate.h"

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
  bool good = vectors_ok(hpke_decrypt_with_label(suite, &private_key, VIEW_NONE, label,
                                                 bytes_view(&context), bytes_view(&kem_output),
                                                 bytes_view(&ciphertext), &opened),
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
      vectors_ok(hpke_decrypt_with_label(suite, &private_key, VIEW_NONE, label,
                                         bytes_view(&context), bytes_view(&kem_output),
                                         bytes_view(&ciphertext), &opened),
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

static bool check(const struct suite *suite, json_object *vector) {
  bool good = check_ref_hash(suite, vectors_field(vector, "ref_hash"));
  good &= check_expand_with_label(suite, vectors_field(vector, "expand_with_label"));
  good &= check_derive_secret(suite, vectors_field(vector, "derive_secret"));
  good &= check_derive_tree_secret(suite, vectors_field(vector, "derive_tree_secret"));
  good &= check_sign_with_label(suite, vectors_field(vector, "sign_with_label"));
  good &= check_encrypt_with_label(suite, vectors_field(vector, "encrypt_with_label"));
  return good;
}

void vectors_crypto_basics(json_object *root, struct tally *tally) {
  vectors_each(root, tally, "crypto-basics", check);
}

/* ---- Generating: each operation on random inputs ---- */

/* Private and public key, context and so on are random; labels are those that MLS uses. */
static void put_derivations(const struct suite *suite, json_object *vector) {
  const size_t size = suite->hash->size;
  struct secret value = random_secret(64), secret = random_secret(size),
                context = random_secret(40);
  struct secret out = {.size = (uint16_t)size};
  json_object *object = put_object(vector, "ref_hash");
  must(kdf_ref_hash(suite, VIEW_TEXT("MLS 1.0 KeyPackage Reference"), secret_view(&value),
                    out.bytes),
       "RefHash");
  put_text(object, "label", "MLS 1.0 KeyPackage Reference");
  put_secret(object, "out", &out);
  put_secret(object, "value", &value);

  object = put_object(vector, "derive_secret");
  must(kdf_derive_secret(suite, &secret, VIEW_TEXT("epoch"), &out), "DeriveSecret");
  put_text(object, "label", "epoch");
  put_secret(object, "out", &out);
  put_secret(object, "secret", &secret);

  object = put_object(vector, "expand_with_label");
  out.size = SECRET_MAX; /* more than one block of HKDF, for all hashes */
  must(kdf_expand_with_label(suite, secret_view(&secret), VIEW_TEXT("exported"),
                             secret_view(&context), out.bytes, out.size),
       "ExpandWithLabel");
  put_secret(object, "context", &context);
  put_text(object, "label", "exported");
  put_number(object, "length", out.size);
  put_secret(object, "out", &out);
  put_secret(object, "secret", &secret);

  object = put_object(vector, "derive_tree_secret");
  out.size = 12;
  must(kdf_derive_tree_secret(suite, &secret, VIEW_TEXT("nonce"), UINT32_MAX, out.bytes, out.size),
       "DeriveTreeSecret");
  put_number(object, "generation", UINT32_MAX);
  put_text(object, "label", "nonce");
  put_number(object, "length", out.size);
  put_secret(object, "out", &out);
  put_secret(object, "secret", &secret);
}

static void put_signature(const struct suite *suite, json_object *object) {
  struct secret private_key = {0}, content = random_secret(60);
  struct bytes public_key = {0}, signature = {0};
  must(sign_generate(suite, &private_key, &public_key), "signature key");
  must(sign_with_label(suite, &private_key, VIEW_TEXT("LeafNodeTBS"), secret_view(&content),
                       &signature),
       "SignWithLabel");
  put_secret(object, "content", &content);
  put_text(object, "label", "LeafNodeTBS");
  put_secret(object, "priv", &private_key);
  put_hex(object, "pub", bytes_view(&public_key));
  put_hex(object, "signature", bytes_view(&signature));
  bytes_free(&signature);
  bytes_free(&public_key);
}

static void put_ciphertext(const struct suite *suite, json_object *object) {
  struct secret private_key = {0}, context = random_secret(60), plaintext = random_secret(32);
  uint8_t public_key[KEM_PUBLIC_MAX];
  struct bytes kem_output = {0}, ciphertext = {0};
  must(hpke_generate_key_pair(suite, &private_key, public_key), "key pair");
  struct view public = view_of(public_key, suite->kem->public_size);
  must(hpke_encrypt_with_label(suite, public, VIEW_TEXT("UpdatePathNode"), secret_view(&context),
                               secret_view(&plaintext), &kem_output, &ciphertext),
       "EncryptWithLabel");
  put_hex(object, "ciphertext", bytes_view(&ciphertext));
  put_secret(object, "context", &context);
  put_hex(object, "kem_output", bytes_view(&kem_output));
  put_text(object, "label", "UpdatePathNode");
  put_secret(object, "plaintext", &plaintext);
  put_secret(object, "priv", &private_key);
  put_hex(object, "pub", public);
  bytes_free(&ciphertext);
  bytes_free(&kem_output);
}

static void generate(const struct suite *suite, json_object *array) {
  json_object *vector = append_object(array);
  put_number(vector, "cipher_suite", suite->id);
  put_derivations(suite, vector);
  put_signature(suite, put_object(vector, "sign_with_label"));
  put_ciphertext(suite, put_object(vector, "encrypt_with_label"));
}

json_object *generate_crypto_basics(uint16_t suite) {
  return generate_suites(suite, generate);
}
