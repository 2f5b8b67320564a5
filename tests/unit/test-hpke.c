/*
 * HPKE (RFC 9180) and EncryptWithLabel (RFC 9420, section 5.1.3): published answers, and what must be
 * refused.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <string.h>

#include "backends.h"
#include "crypto/dhkem.h"
#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "crypto/smallorder.h"
#include "tests/run.h"

/* The index-th suite that this build has; NULL beyond the last. */
static const struct suite *suite_of(int index) {
  return suite_find(suite_id_at((size_t)index));
}

#define SUITES 7

/* ---- HPKE ---- */

/* RFC 9180, appendices A.1.1, A.3.1, A.2.1 and A.6.1: base mode, first message, exports. */
struct vector {
  uint16_t suite;
  const char *ephemeral_input, *receiver_input, *receiver_private, *receiver_public;
  const char *kem_output, *ciphertext;
  const char *exported[3]; /* for contexts "", 00 and "TestContext"; of 32 bytes */
};

#define INFO VIEW_TEXT("Ode on a Grecian Urn")
#define AAD VIEW_TEXT("Count-0")
#define PLAINTEXT VIEW_TEXT("Beauty is truth, truth beauty")

static const struct vector vectors[] = {
    {.suite = 1,
     .ephemeral_input = "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
     .receiver_input = "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
     .receiver_private = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
     .receiver_public = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
     .kem_output = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
     .ciphertext =
         "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e1"
         "3c512a",
     .exported = {"3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
                  "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5",
                  "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931"}},
    {.suite = 2,
     .ephemeral_input = "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e",
     .receiver_input = "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550",
     .receiver_private = "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
     .receiver_public =
         "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e5"
         "39c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
     .kem_output =
         "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e"
         "5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
     .ciphertext =
         "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39"
         "513434",
     .exported = {"5e9bc3d236e1911d95e65b576a8a86d478fb827e8bdfe77b741b289890490d4d",
                  "6cff87658931bda83dc857e6353efe4987a201b849658d9b047aab4cf216e796",
                  "d8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a"}},
    {.suite = 3,
     .ephemeral_input = "909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b",
     .receiver_input = "1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df",
     .receiver_private = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
     .receiver_public = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
     .kem_output = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
     .ciphertext =
         "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1"
         "b51a28",
     .exported = {"4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e",
                  "8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69",
                  "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"}},
    {
        .suite = 5,
        .ephemeral_input =
            "7f06ab8215105fc46aceeb2e3dc5028b44364f960426eb0d8e4026c2f8b5d7e7a986688f1591abf5ab75"
            "3c357a5d6f0440414b4ed4ede71317772ac98d9239f70904",
        .receiver_input =
            "2ad954bbe39b7122529f7dde780bff626cd97f850d0784a432784e69d86eccaade43b6c10a8ffdb94bf9"
            "43c6da479db137914ec835a7e715e36e45e29b587bab3bf1",
        .receiver_private =
            "01462680369ae375e4b3791070a7458ed527842f6a98a79ff5e0d4cbde83c27196a3916956655523a6a2"
            "556a7af62c5cadabe2ef9da3760bb21e005202f7b2462847",
        .receiver_public =
            "0401b45498c1714e2dce167d3caf162e45e0642afc7ed435df7902ccae0e84ba0f7d373f646b7738bbbd"
            "ca11ed91bdeae3cdcba3301f2457be452f271fa6837580e661012af49583a62e48d44bed350c7118c0d8"
            "dc861c238c72a2bda17f64704f464b57338e7f40b60959480c0e58e6559b190d81663ed816e523b6b6a4"
            "18f66d2451ec64",
        .kem_output =
            "040138b385ca16bb0d5fa0c0665fbbd7e69e3ee29f63991d3e9b5fa740aab8900aaeed46ed73a4905575"
            "8425a0ce36507c54b29cc5b85a5cee6bae0cf1c21f2731ece2013dc3fb7c8d21654bb161b463962ca19e"
            "8c654ff24c94dd2898de12051f1ed0692237fb02b2f8d1dc1c73e9b366b529eb436e98a996ee522aef86"
            "3dd5739d2f29b0",
        .ciphertext =
            "170f8beddfe949b75ef9c387e201baf4132fa7374593dfafa90768788b7b2b200aafcc6d80ea4c795a7c"
            "5b841a",
    },
};

static void check_derived(const struct suite *suite, const char *input, const char *expected,
                          struct secret *private_key) {
  uint8_t bytes[SECRET_MAX], public_key[KEM_PUBLIC_MAX], expected_key[KEM_PUBLIC_MAX];
  size_t size = from_hex(input, bytes);
  ck_assert_int_eq(hpke_derive_key_pair(suite, view_of(bytes, size), private_key, public_key), OK);
  ck_assert_uint_eq(from_hex(expected, expected_key), suite->kem->public_size);
  assert_equal(public_key, expected_key, suite->kem->public_size);
  ck_assert_int_eq(
      hpke_check_key_pair(suite, private_key, view_of(expected_key, suite->kem->public_size)), OK);
}

START_TEST(test_hpke_vectors) {
  const struct vector *vector = &vectors[_i];
  const struct suite *suite = suite_find(vector->suite);
  uint8_t bytes[300], enc[KEM_PUBLIC_MAX];
  struct secret key = {0}, ephemeral = {0}, exported = {0};
  struct bytes opened = {NULL, 0};
  ck_assert_ptr_nonnull(suite);
  check_derived(suite, vector->ephemeral_input, vector->kem_output, &ephemeral);
  check_derived(suite, vector->receiver_input, vector->receiver_public, &key);
  ck_assert_uint_eq(from_hex(vector->receiver_private, bytes), key.size);
  assert_equal(bytes, key.bytes, key.size);
  struct view kem_output = view_of(enc, from_hex(vector->kem_output, enc));
  struct view ciphertext = view_of(bytes, from_hex(vector->ciphertext, bytes));
  ck_assert_int_eq(hpke_open(suite, &key, kem_output, INFO, AAD, ciphertext, &opened), OK);
  ck_assert(view_equal(bytes_view(&opened), PLAINTEXT));
  bytes_free(&opened);
  const struct view contexts[] = {VIEW_NONE, VIEW_TEXT("\0"), VIEW_TEXT("TestContext")};
  for (size_t i = 0; i < 3 && vector->exported[i] != NULL; i++) {
    ck_assert_int_eq(hpke_export_receiver(suite, &key, kem_output, INFO, contexts[i], &exported),
                     OK);
    ck_assert_uint_eq(from_hex(vector->exported[i], bytes), exported.size);
    assert_equal(bytes, exported.bytes, exported.size);
  }
}
END_TEST

struct pair {
  struct secret private_key;
  uint8_t bytes[KEM_PUBLIC_MAX];
  struct view public_key;
};

static void pair_init(struct pair *pair, const struct suite *suite) {
  pair->private_key = (struct secret){0};
  ck_assert_int_eq(hpke_generate_key_pair(suite, &pair->private_key, pair->bytes), OK);
  ck_assert_uint_eq(pair->private_key.size, suite->kem->private_size);
  pair->public_key = view_of(pair->bytes, suite->kem->public_size);
}

START_TEST(test_hpke_round_trip) {
  const struct suite *suite = suite_of(_i);
  if (suite == NULL)
    return;
  struct pair pair;
  pair_init(&pair, suite);
  static const size_t sizes[] = {0, 1, 32, 300};
  uint8_t text[300];
  memset(text, 'x', sizeof text);
  for (size_t i = 0; i < 4; i++) {
    struct bytes kem_output = {NULL, 0}, ciphertext = {NULL, 0}, opened = {NULL, 0};
    ck_assert_int_eq(hpke_seal(suite, pair.public_key, INFO, AAD, view_of(text, sizes[i]),
                               &kem_output, &ciphertext),
                     OK);
    ck_assert_uint_eq(kem_output.size, suite->kem->public_size);
    ck_assert_uint_eq(ciphertext.size, sizes[i] + suite->aead->tag_size);
    ck_assert_int_eq(hpke_open(suite, &pair.private_key, bytes_view(&kem_output), INFO, AAD,
                               bytes_view(&ciphertext), &opened),
                     OK);
    ck_assert(view_equal(bytes_view(&opened), view_of(text, sizes[i])));
    bytes_free(&kem_output);
    bytes_free(&ciphertext);
    bytes_free(&opened);
  }
  struct secret sent = {0}, received = {0}, other = {0};
  struct bytes kem_output = {NULL, 0};
  ck_assert_int_eq(
      hpke_export_sender(suite, pair.public_key, INFO, VIEW_TEXT("x"), &kem_output, &sent), OK);
  ck_assert_int_eq(hpke_export_receiver(suite, &pair.private_key, bytes_view(&kem_output), INFO,
                                        VIEW_TEXT("x"), &received),
                   OK);
  ck_assert_uint_eq(sent.size, suite->hash->size);
  ck_assert(secret_equal(secret_view(&sent), secret_view(&received)));
  ck_assert_int_eq(hpke_export_receiver(suite, &pair.private_key, bytes_view(&kem_output), INFO,
                                        VIEW_TEXT("y"), &other),
                   OK);
  ck_assert(!secret_equal(secret_view(&sent), secret_view(&other)));
  bytes_free(&kem_output);
}
END_TEST

/* What hpke_open() is given; each test changes one thing in it. */
struct sealed {
  const struct suite *suite;
  struct secret *private_key;
  struct view kem_output, info, aad, ciphertext;
};

static enum err open_sealed(const struct sealed *sealed) {
  struct bytes opened = {NULL, 0};
  enum err err = hpke_open(sealed->suite, sealed->private_key, sealed->kem_output, sealed->info,
                           sealed->aad, sealed->ciphertext, &opened);
  if (err != OK)
    ck_assert_ptr_null(opened.data); /* outputs are written on success only */
  bytes_free(&opened);
  assert_no_errors_left();
  return err;
}

START_TEST(test_hpke_refused) {
  const struct suite *suite = suite_of(_i);
  if (suite == NULL)
    return;
  struct pair pair, other;
  struct bytes kem_output = {NULL, 0}, ciphertext = {NULL, 0};
  pair_init(&pair, suite);
  pair_init(&other, suite);
  ck_assert_int_eq(
      hpke_seal(suite, pair.public_key, INFO, AAD, PLAINTEXT, &kem_output, &ciphertext), OK);
  const struct sealed good = {suite, &pair.private_key,      bytes_view(&kem_output), INFO,
                              AAD,   bytes_view(&ciphertext)};
  ck_assert_int_eq(open_sealed(&good), OK);
  struct sealed bad = good;
  bad.private_key = &other.private_key;
  ck_assert_int_eq(open_sealed(&bad), ERR_AUTH);
  bad = good;
  bad.info = VIEW_TEXT("Ode on a Grecian Vase");
  ck_assert_int_eq(open_sealed(&bad), ERR_AUTH);
  bad = good;
  bad.aad = VIEW_NONE;
  ck_assert_int_eq(open_sealed(&bad), ERR_AUTH);
  bad = good;
  bad.kem_output = other.public_key;
  ck_assert_int_eq(open_sealed(&bad), ERR_AUTH);
  for (size_t size = 0; size < kem_output.size; size++) {
    bad.kem_output = view_of(kem_output.data, size);
    ck_assert_int_eq(open_sealed(&bad), ERR_MALFORMED);
  }
  uint8_t zeros[KEM_PUBLIC_MAX] = {0};
  bad.kem_output = view_of(zeros, kem_output.size);
  ck_assert_int_eq(open_sealed(&bad), ERR_MALFORMED);
  bad = good;
  for (size_t size = 0; size < ciphertext.size; size++) {
    bad.ciphertext = view_of(ciphertext.data, size);
    ck_assert_int_eq(open_sealed(&bad), ERR_AUTH);
  }
  ciphertext.data[3] ^= 4;
  ck_assert_int_eq(open_sealed(&good), ERR_AUTH);
  bad = good;
  struct secret shorter = pair.private_key;
  shorter.size--;
  bad.private_key = &shorter;
  ck_assert_int_eq(open_sealed(&bad), ERR_INVALID_ARG);
  bytes_free(&kem_output);
  bytes_free(&ciphertext);
}
END_TEST

/* On Curve448, p = 2^448 - 2^224 - 1: 0, 1, p - 1, and p and p + 1, which are 0 and 1 again. */
START_TEST(test_small_order_448) {
  static const struct {
    uint8_t first, low, middle, high; /* bytes 0, 1 to 27, 28, and from 29 on */
    bool small;
  } keys[] = {
      {0, 0, 0, 0, true},
      {1, 0, 0, 0, true},
      {2, 0, 0, 0, false},
      {0xfe, 0xff, 0xfe, 0xff, true},
      {0xff, 0xff, 0xfe, 0xff, true},
      {0, 0, 0xff, 0xff, true},
      {0xfd, 0xff, 0xfe, 0xff, false},
      {1, 0, 0xff, 0xff, false},
      {0, 0xff, 0xff, 0xff, false},
      {0xff, 0, 0xfe, 0xff, false},
      {0xff, 0xff, 0xfd, 0xff, false},
      {0xff, 0xff, 0xfe, 0xfe, false},
      {0, 0, 0xff, 0xfe, false},
      {0, 0xff, 0, 0, false},
  };
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    uint8_t key[56];
    memset(key, keys[i].low, 28);
    memset(key + 28, keys[i].high, 28);
    key[0] = keys[i].first;
    key[28] = keys[i].middle;
    ck_assert_int_eq(small_order(view_of(key, 56)), keys[i].small);
    ck_assert(!small_order(view_of(key, 55)));
    if (!keys[i].small)
      continue;
    for (size_t at = 1; at < 56; at++) {
      key[at] ^= 1;
      ck_assert(!small_order(view_of(key, 56)));
      key[at] ^= 1;
    }
  }
}
END_TEST

static const struct dh *group_of(const struct suite *suite) {
  return ((const struct dhkem *)suite->kem)->dh;
}

/* Keys to which nothing can be encrypted are told from their neighbours without trying. */
START_TEST(test_hpke_small_order) {
  const struct suite *suite = suite_of(_i);
  if (suite == NULL || suite->kem->public_size > 56)
    return;
  const size_t size = suite->kem->public_size;
  struct pair pair;
  uint8_t key[56], shared[KEM_PUBLIC_MAX];
  size_t small = 0;
  pair_init(&pair, suite);
  for (unsigned high = 0; high < 2; high++) {
    for (unsigned low = 0; low < 256; low++) {
      for (unsigned middle = 0; middle < 2; middle++) {
        memset(key, high == 0 ? 0 : 0xff, size);
        if (high == 1 && size == 32)
          key[31] = middle == 0 ? 0x7f : 0xff;
        if (high == 1 && size == 56)
          key[28] = middle == 0 ? 0xfe : 0xff;
        if (high == 1 && size == 56 && middle == 1)
          memset(key, 0, 28);
        key[0] = (uint8_t)low;
        bool useless = group_of(suite)->agree(pair.private_key.bytes, key, shared) == ERR_MALFORMED;
        ck_assert_int_eq(hpke_check_public_key(suite, view_of(key, size)),
                         useless ? ERR_MALFORMED : OK);
        small += useless ? 1 : 0;
      }
    }
  }
  /* 0 and 1, each twice above; p - 1, p, p + 1 and for X25519 the same with the top bit. */
  ck_assert_uint_eq(small, size == 32 ? 4 + 6 : 4 + 3);
}
END_TEST

START_TEST(test_hpke_order_eight) {
  uint8_t key[32], shared[KEM_PUBLIC_MAX];
  struct pair pair;
  pair_init(&pair, suite_find(1));
  const char *const points[] = {
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  };
  (void)from_hex(points[_i / 2], key);
  key[31] |= _i % 2 == 0 ? 0 : 0x80;
  ck_assert_int_eq(group_of(suite_find(1))->agree(pair.private_key.bytes, key, shared),
                   ERR_MALFORMED);
  ck_assert_int_eq(hpke_check_public_key(suite_find(1), VIEW_ARRAY(key)), ERR_MALFORMED);
  key[7] ^= 1;
  ck_assert_int_eq(hpke_check_public_key(suite_find(1), VIEW_ARRAY(key)), OK);
}
END_TEST

START_TEST(test_hpke_bad_keys) {
  const struct suite *suite = suite_of(_i);
  if (suite == NULL)
    return;
  struct pair pair, other;
  struct bytes kem_output = {NULL, 0}, ciphertext = {NULL, 0};
  struct secret exported = {0};
  uint8_t zeros[KEM_PUBLIC_MAX + 1] = {0};
  pair_init(&pair, suite);
  pair_init(&other, suite);
  size_t size = suite->kem->public_size;
  ck_assert_int_eq(hpke_check_public_key(suite, pair.public_key), OK);
  ck_assert_int_eq(hpke_check_public_key(suite, view_of(zeros, size)), ERR_MALFORMED);
  ck_assert_int_eq(hpke_check_public_key(suite, view_of(pair.bytes, size - 1)), ERR_MALFORMED);
  ck_assert_int_eq(hpke_check_public_key(suite, VIEW_NONE), ERR_MALFORMED);
  ck_assert_int_eq(hpke_check_key_pair(suite, &pair.private_key, pair.public_key), OK);
  ck_assert_int_eq(hpke_check_key_pair(suite, &pair.private_key, other.public_key),
                   ERR_INVALID_ARG);
  ck_assert_int_eq(hpke_check_key_pair(suite, &pair.private_key, VIEW_NONE), ERR_INVALID_ARG);
  struct secret shorter = pair.private_key;
  shorter.size--;
  ck_assert_int_eq(hpke_check_key_pair(suite, &shorter, pair.public_key), ERR_INVALID_ARG);
  const struct view bad[] = {view_of(zeros, size), view_of(pair.bytes, size - 1),
                             view_of(zeros, size + 1), VIEW_NONE};
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(hpke_seal(suite, bad[i], INFO, AAD, PLAINTEXT, &kem_output, &ciphertext),
                     ERR_MALFORMED);
    ck_assert_int_eq(hpke_export_sender(suite, bad[i], INFO, AAD, &kem_output, &exported),
                     ERR_MALFORMED);
    ck_assert_ptr_null(kem_output.data);
    ck_assert_ptr_null(ciphertext.data);
    ck_assert_uint_eq(exported.size, 0);
    assert_no_errors_left();
  }
}
END_TEST

START_TEST(test_labels) {
  const struct suite *suite = suite_of(_i);
  if (suite == NULL)
    return;
  struct pair pair, other;
  struct bytes kem_output = {NULL, 0}, ciphertext = {NULL, 0}, opened = {NULL, 0};
  pair_init(&pair, suite);
  pair_init(&other, suite);
  ck_assert_int_eq(hpke_encrypt_with_label(suite, pair.public_key, VIEW_TEXT("a"), VIEW_TEXT("bc"),
                                           PLAINTEXT, &kem_output, &ciphertext),
                   OK);
  const struct view wrong[][2] = {{VIEW_TEXT("b"), VIEW_TEXT("bc")},
                                  {VIEW_TEXT("a"), VIEW_TEXT("b")},
                                  {VIEW_TEXT("ab"), VIEW_TEXT("c")},
                                  {VIEW_NONE, VIEW_NONE}};
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(hpke_decrypt_with_label(suite, &pair.private_key, VIEW_NONE, wrong[i][0],
                                             wrong[i][1], bytes_view(&kem_output),
                                             bytes_view(&ciphertext), &opened),
                     ERR_AUTH);
  /* The public key is known, is derived, or is another's. */
  const struct view keys[] = {pair.public_key, VIEW_NONE, other.public_key};
  for (size_t i = 0; i < 3; i++) {
    enum err err =
        hpke_decrypt_with_label(suite, &pair.private_key, keys[i], VIEW_TEXT("a"), VIEW_TEXT("bc"),
                                bytes_view(&kem_output), bytes_view(&ciphertext), &opened);
    ck_assert_int_eq(err, i < 2 ? OK : ERR_AUTH);
    ck_assert(view_equal(bytes_view(&opened), i < 2 ? PLAINTEXT : VIEW_NONE));
    bytes_free(&opened);
  }
  bytes_free(&kem_output);
  bytes_free(&ciphertext);
}
END_TEST

START_TEST(test_many_receivers) {
  const struct suite *suite = suite_of(_i);
  if (suite == NULL)
    return;
  struct hpke_context context;
  ck_assert_int_eq(hpke_label_context(suite, VIEW_TEXT("a"), VIEW_TEXT("bc"), &context), OK);
  for (size_t i = 0; i < 3; i++) {
    struct pair pair;
    struct bytes kem_output = {NULL, 0}, ciphertext = {NULL, 0}, opened = {NULL, 0};
    pair_init(&pair, suite);
    ck_assert_int_eq(
        hpke_encrypt(suite, pair.public_key, &context, PLAINTEXT, &kem_output, &ciphertext), OK);
    ck_assert_int_eq(hpke_decrypt_with_label(
                         suite, &pair.private_key, pair.public_key, VIEW_TEXT("a"), VIEW_TEXT("bc"),
                         bytes_view(&kem_output), bytes_view(&ciphertext), &opened),
                     OK);
    ck_assert(view_equal(bytes_view(&opened), PLAINTEXT));
    bytes_free(&kem_output);
    bytes_free(&ciphertext);
    bytes_free(&opened);
  }
}
END_TEST

int main(void) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  TCase *tests = tcase_create("hpke");
  tcase_set_timeout(tests, 240);
  tcase_add_loop_test(tests, test_hpke_vectors, 0, 4);
  tcase_add_loop_test(tests, test_hpke_round_trip, 0, SUITES);
  tcase_add_loop_test(tests, test_hpke_refused, 0, SUITES);
  tcase_add_loop_test(tests, test_hpke_bad_keys, 0, SUITES);
  tcase_add_test(tests, test_small_order_448);
  tcase_add_loop_test(tests, test_hpke_small_order, 0, SUITES);
  tcase_add_loop_test(tests, test_hpke_order_eight, 0, 4);
  tcase_add_loop_test(tests, test_labels, 0, SUITES);
  tcase_add_loop_test(tests, test_many_receivers, 0, SUITES);
  return run_case("hpke", tests);
}
