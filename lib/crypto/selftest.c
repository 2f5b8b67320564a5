/* SPDX-License-Identifier: ISC */
#include "crypto/selftest.h"

#include <string.h>

/*
 * The digests are of "abc" (FIPS 180-4's example) and the MACs of RFC 4231, section 4.3.  The other
 * answers come from the key 01 02 03 ... and short texts, and are what two independent backends say;
 * tests/unit/test-crypto.c compares all backends with each other and with published vectors.
 */
static const char *const digest_answers[] = {
    [HASH_SHA256] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    [HASH_SHA384] =
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
        "58baeca134c825a7",
    [HASH_SHA512] =
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
        "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
};

static const char *const hmac_answers[] = {
    [HASH_SHA256] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    [HASH_SHA384] =
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7"
        "8b3239ecfab21649",
    [HASH_SHA512] =
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a"
        "6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
};

static const char *const aead_answers[] = {
    [AEAD_AES128GCM] = "39eb0928a3fa13172e2b8bfe8dad96b88d73e23d3b593805debfee7b58164183131d9107",
    [AEAD_AES256GCM] = "da59c9f34412039d03dc914bc39658517d3b805453e91562659706ba87f7369cb176a1e9",
    [AEAD_CHACHA20POLY1305] =
        "bc0328022ca570efb64829e4efa0ad1c020d4276bc8d66845fc6846d008a6abe1c3a36fb",
};

/* From a block of ones, so that the counter overflows between the first block and the second. */
static const char *const ctr_answers[] = {
    [CTR_AES128] = "6152a65ac70cb807d519c00dbce5160faf94f662",
    [CTR_AES256] = "e636f68f3d01babb3136c00e8b82c0d7d3592705",
};

static const char *const dh_answers[] = {
    [DH_X25519] = "e1da0d42bded3149e1e30e6f2ada146bdfdaedc38649bf46c431d50d05a89242",
    [DH_P256] = "b4f1fcce40735f836af8d6312d248d1a8348405669a195fac5350406ba76bcce",
    [DH_P384] = "2e903bc4a5184d964016978a28781bf563ebf17081e5d907d03f0f959ba83ad68ec19563d63144f3"
                "362082f7dc2a8952",
    [DH_P521] = "000d307b60c3727ead7d137f36c21faf588051928d7d8c22e4176e54c2a6f0e3030a18988ef59cfe"
                "2bbae6921c9b42edeb85c404fda8eb5054d9a96b84a34b1529e9",
    [DH_X448] = "a91dd79979c2e87e4bb4dbd89709368ab84272ce574d07f898166462081c7f1fd92e06dc4819befa"
                "b3a6a20d6371ed0b5378662c151a1886",
};

static const char *const signature_answers[] = {
    [SIGNATURE_ED25519] =
        "71dcb65f01d32556134ca44d130715adb02210919a8a47e016773d742b421895ebf1df3d9bf447b8"
        "57adec983f055855c9a4260ad9a1f96da4c82f50bec7ce01",
    [SIGNATURE_P256] =
        "3044022063d2f27b8637315eca33f39ffa5f106c841f3936edcca294de0b1bc536b1462102204667"
        "49a8d5055c9f540f4a0b5acf5f684e9879ba1442997b6ddba17b3a8e803e",
    [SIGNATURE_P384] =
        "3066023100a75f740afb78c02c9b7fc1c18cf1707741ff74402f05ea9a421b08b6ff712c4c8ba7e7"
        "bc99361d44581b6d13e67e7abd023100f46538f721d9a6c94f9c36836bcc01850e2278c3b355cf3e"
        "9ea22d2bf890c8dc9d63d5c9cb3e5c7d1a7d44247ca3a3e7",
    [SIGNATURE_P521] =
        "30818802420096bf0c991342b7018fbd6aa9aa64c0736f615f790352aed832a9e5c95a61cf7b789b"
        "1253601df3eb85ea449ec303ffbf4cefc25dca08d82d0a193706b2a59b7094024201e7dbdec57004"
        "71875c92c5a19ac128f6357f75c70065c36daaa54b8e39e7593089d65daa07fa82fa96a05e8be167"
        "09fb61e78796f78e666d139ce6877bea2311a1",
    [SIGNATURE_ED448] =
        "6ea4d6d4bad1f156a4fffc487d68212767eaca61a764d4b05cb2053c872553a67955ddf71b890fe5"
        "a943cb7e8506d678c11c186b34551a7f8029256d78e5db845396dd83d8e3dbdd5b076dca21568419"
        "0fde00704a49eab9e563d286c5ab8d6feacc809cad7f76c5ad38b68b9297b2471600",
};

static uint8_t digit(char c) {
  return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* OK if the bytes are those of the hex text. */
static enum err compare(const char *hex, const uint8_t *bytes, size_t size) {
  if (strlen(hex) != 2 * size)
    return ERR_INTERNAL;
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != (digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1])))
      return ERR_INTERNAL;
  return OK;
}

static size_t decode(const char *hex, uint8_t *out) {
  size_t size = strlen(hex) / 2;
  for (size_t i = 0; i < size; i++)
    out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  return size;
}

/* Keys and nonces begin like this: in range of every group here. */
static const uint8_t counting[] = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66};
_Static_assert(sizeof counting >= SECRET_MAX && sizeof counting >= AEAD_KEY_MAX, "longest key");

static enum err expect(enum err found, enum err expected) {
  if (found == expected)
    return OK;
  return found == ERR_NOMEM ? ERR_NOMEM : ERR_INTERNAL;
}

enum err selftest_hash(enum hash_id id, const struct hash *hash) {
  enum err err;
  uint8_t out[HASH_MAX];
  struct hmac_key key;
  /* In parts, one of them empty, as the library hashes. */
  const struct view abc[] = {VIEW_TEXT("a"), VIEW_NONE, VIEW_TEXT("bc")};
  const struct view question[] = {VIEW_TEXT("what do ya want "), VIEW_TEXT("for nothing?")};
  TRY(expect(hash->digest(abc, 3, out), OK));
  TRY(compare(digest_answers[id], out, hash->size));
  TRY(expect(hash->hmac(VIEW_TEXT("Jefe"), question, 2, out), OK));
  TRY(compare(hmac_answers[id], out, hash->size));
  hash->hmac_key(VIEW_TEXT("Jefe"), &key);
  TRY(expect(hash->hmac_keyed(&key, question, 2, out), OK));
  TRY(compare(hmac_answers[id], out, hash->size));
done:
  return err;
}

enum err selftest_aead(enum aead_id id, const struct aead *aead) {
  enum err err;
  struct aead_key *key = NULL;
  const struct view plaintext = VIEW_TEXT("twenty plain letters");
  const struct view aad[] = {VIEW_TEXT("additional"), VIEW_TEXT(" data")};
  uint8_t out[20 + AEAD_TAG_MAX];
  const size_t size = plaintext.size + aead->tag_size;
  TRY(size <= sizeof out ? OK : ERR_INTERNAL);
  TRY(expect(aead->key_new(counting, &key), OK));
  memcpy(out, plaintext.data, plaintext.size);
  TRY(expect(aead->seal(key, counting, aad, 2, view_of(out, plaintext.size), out), OK));
  TRY(compare(aead_answers[id], out, size));
  TRY(expect(aead->open(key, counting, aad, 2, view_of(out, size), out), OK));
  TRY(view_equal(view_of(out, plaintext.size), plaintext) ? OK : ERR_INTERNAL);
  TRY(expect(aead->seal(key, counting, aad, 2, plaintext, out), OK));
  out[size - 1] ^= 1;
  TRY(expect(aead->open(key, counting, aad, 2, view_of(out, size), out), ERR_AUTH));
done:
  aead->key_free(key);
  return err;
}

enum err selftest_ctr(enum ctr_id id, const struct ctr *ctr) {
  enum err err;
  struct ctr_key *key = NULL;
  const struct view plaintext = VIEW_TEXT("twenty plain letters");
  uint8_t block[CTR_BLOCK_SIZE], out[20];
  memset(block, 0xff, sizeof block);
  TRY(expect(ctr->key_new(counting, &key), OK));
  TRY(expect(ctr->apply(key, block, plaintext, out), OK));
  TRY(compare(ctr_answers[id], out, sizeof out));
  TRY(expect(ctr->apply(key, block, VIEW_ARRAY(out), out), OK));
  TRY(view_equal(VIEW_ARRAY(out), plaintext) ? OK : ERR_INTERNAL);
done:
  ctr->key_free(key);
  return err;
}

enum err selftest_dh(enum dh_id id, const struct dh *dh) {
  enum err err;
  uint8_t point[DH_PUBLIC_MAX], shared[SECRET_MAX];
  TRY(expect(dh->derive_public(counting, point), OK));
  TRY(expect(dh->agree(counting, point, shared), OK));
  TRY(compare(dh_answers[id], shared, dh->shared_size));
  memset(point, 0, sizeof point);
  TRY(expect(dh->agree(counting, point, shared), ERR_MALFORMED));
done:
  return err;
}

enum err selftest_signature(enum signature_id id, const struct signature *signature) {
  enum err err;
  const struct view text = VIEW_TEXT("abc"), other = VIEW_TEXT("abd");
  uint8_t public_key[SIGNATURE_PUBLIC_MAX], bytes[SIGNATURE_MAX];
  TRY(expect(signature->derive_public(counting, public_key), OK));
  size_t size = decode(signature_answers[id], bytes);
  TRY(expect(signature->verify(public_key, text, view_of(bytes, size)), OK));
  TRY(expect(signature->verify(public_key, other, view_of(bytes, size)), ERR_SIGNATURE));
  TRY(expect(signature->sign(counting, text, bytes, &size), OK));
  TRY(expect(signature->verify(public_key, text, view_of(bytes, size)), OK));
done:
  return err;
}
