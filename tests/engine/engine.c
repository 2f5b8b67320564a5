/*
 * The engine's tables alone, without the rest of the library and what that depends on, so that it can be
 * built for another processor than this machine's and run by an emulator: see tests/arm.sh.
 *
 *   engine vectors < LINES    Wycheproof's, as engine/lines.py writes them
 *   engine walk               a checksum of what comes out for all short lengths: the same on every processor
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/aescpu.h"
#include "crypto/backend.h"

#ifdef __aarch64__
#define TABLE(name) aesarm_##name
#define AVAILABLE aescpu_arm
#else
#define TABLE(name) aesni_##name
#define AVAILABLE aescpu_aesni
#endif

/* ---- What the engine needs of lib/base, without libsodium ---- */

void wipe(void *memory, size_t size) {
  volatile uint8_t *bytes = memory;
  while (size-- > 0)
    *bytes++ = 0;
}

void *locked_new(size_t size) {
  void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
  if (memory != NULL)
    memset(memory, 0, size);
  return memory;
}

void locked_free(void *memory, size_t size) {
  if (memory != NULL)
    wipe(memory, size);
  free(memory);
}

static void demand(bool holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "engine: %s\n", what);
  exit(1);
}

/* ---- Memory that ends where nothing more can be touched ---- */

#define ROOM 65536u

static uint8_t *room_end(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *room =
      mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  demand(room != MAP_FAILED && mprotect(room + ROOM, page, PROT_NONE) == 0, "no memory");
  return room + ROOM;
}

/* ---- Vectors ---- */

#define FIELD_MAX 8192u

struct field {
  uint8_t bytes[FIELD_MAX];
  size_t size;
};

/* The next word of hex digits; "-" is none.  @return false at the end of input */
static bool next_field(struct field *out) {
  static char text[2 * FIELD_MAX + 1];
  if (scanf("%16384s", text) != 1)
    return false;
  out->size = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
  for (size_t i = 0; i < out->size; i++) {
    const char digits[3] = {text[2 * i], text[2 * i + 1], 0};
    out->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return true;
}

static bool all_zero(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != 0)
      return false;
  return true;
}

/* In place, up to the edge.  @param sealed  ciphertext and tag */
static bool holds(const struct field *key, const struct field *nonce, const struct field *aad,
                  const struct field *message, const struct field *sealed, bool valid,
                  uint8_t *end) {
  const struct aead *aead = key->size == 16 ? &TABLE(aes128gcm) : &TABLE(aes256gcm);
  const struct view parts[] = {{aad->bytes, aad->size / 3},
                               {aad->bytes + aad->size / 3, aad->size - aad->size / 3}};
  const size_t size = sealed->size - aead->tag_size;
  uint8_t *at = end - sealed->size;
  struct aead_key *cipher = NULL;
  demand(key->size == aead->key_size && nonce->size == aead->nonce_size, "no such vector");
  demand(aead->key_new(key->bytes, &cipher) == OK, "no memory");
  memcpy(at, sealed->bytes, sealed->size);
  const struct view input = {at, sealed->size}, plaintext = {at, size};
  enum err err = aead->open(cipher, nonce->bytes, parts, 2, input, at);
  bool good = valid ? err == OK && size == message->size && memcmp(at, message->bytes, size) == 0
                    : err == ERR_AUTH && all_zero(at, size);
  if (valid && good)
    good = aead->seal(cipher, nonce->bytes, parts, 2, plaintext, at) == OK &&
           memcmp(at, sealed->bytes, sealed->size) == 0;
  aead->key_free(cipher);
  return good;
}

static int vectors(uint8_t *end) {
  static struct field result, key, nonce, aad, message, sealed;
  unsigned passed = 0, failed = 0;
  while (next_field(&result)) {
    demand(next_field(&key) && next_field(&nonce) && next_field(&aad) && next_field(&message) &&
               next_field(&sealed),
           "a line ends too early");
    if (holds(&key, &nonce, &aad, &message, &sealed, result.bytes[0] == 1, end))
      passed++;
    else
      failed++;
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

/* ---- Walk ---- */

static uint64_t checksum = UINT64_C(0xcbf29ce484222325);

/* FNV-1a */
static void add(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    checksum = (checksum ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void draw(uint8_t *out, size_t size) {
  static uint64_t state = 1;
  for (size_t i = 0; i < size; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    out[i] = (uint8_t)(state >> 56);
  }
}

/* Sealed with the ciphertext behind the plaintext, opened in the other direction, forged. */
static void walk_gcm(const struct aead *aead, struct aead_key *key, size_t size, uint8_t *end) {
  static uint8_t plaintext[ROOM], data[60];
  uint8_t nonce[AEAD_NONCE_MAX];
  const size_t shift = size % (aead->shift + 1);
  uint8_t *sealed = end - size - aead->tag_size, *from = sealed - shift;
  draw(nonce, sizeof nonce);
  draw(data, sizeof data);
  draw(plaintext, size);
  const struct view parts[] = {{data, size % 23}, {data + 23, size % 37}};
  const struct view input = {from, size}, output = {sealed, size + aead->tag_size};
  memcpy(from, plaintext, size);
  demand(aead->seal(key, nonce, parts, 2, input, sealed) == OK, "seal");
  add(sealed, size + aead->tag_size);
  demand(aead->open(key, nonce, parts, 2, output, from) == OK, "open");
  demand(memcmp(from, plaintext, size) == 0, "open: other bytes");
  demand(aead->seal(key, nonce, parts, 2, input, sealed) == OK, "seal");
  sealed[size + size % aead->tag_size] ^= 1;
  demand(aead->open(key, nonce, parts, 2, output, from) == ERR_AUTH, "forged");
  demand(all_zero(from, size), "forged: not wiped");
}

static void walk_ctr(const struct ctr *ctr, struct ctr_key *key, size_t size, uint8_t *end) {
  uint8_t block[CTR_BLOCK_SIZE], *at = end - size;
  draw(block, sizeof block);
  memset(block + 10, 0xff, 5); /* so that counters overflow */
  draw(at, size);
  const struct view input = {at, size};
  demand(ctr->apply(key, block, input, at) == OK, "apply");
  add(at, size);
}

static int walk(uint8_t *end) {
  static const struct aead *const aeads[] = {&TABLE(aes128gcm), &TABLE(aes256gcm)};
  static const struct ctr *const ctrs[] = {&TABLE(aes128ctr), &TABLE(aes256ctr)};
  static const size_t large[] = {1200, 4096, 20000, 60001};
  for (unsigned i = 0; i < 2; i++) {
    uint8_t bytes[AEAD_KEY_MAX];
    struct aead_key *gcm = NULL;
    struct ctr_key *ctr = NULL;
    draw(bytes, sizeof bytes);
    demand(aeads[i]->key_new(bytes, &gcm) == OK && ctrs[i]->key_new(bytes, &ctr) == OK, "key");
    for (size_t size = 0; size <= 600 + 4; size++) {
      const size_t length = size <= 600 ? size : large[size - 601];
      walk_gcm(aeads[i], gcm, length, end);
      if (length > 0)
        walk_ctr(ctrs[i], ctr, length, end);
    }
    aeads[i]->key_free(gcm);
    ctrs[i]->key_free(ctr);
  }
  printf("%016" PRIx64 "\n", checksum);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  if (!AVAILABLE()) {
    fprintf(stderr, "engine: not on this processor\n");
    return 77;
  }
  uint8_t *end = room_end();
  return strcmp(argv[1], "walk") == 0 ? walk(end) : vectors(end);
}
