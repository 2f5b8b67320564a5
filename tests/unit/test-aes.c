/*
 * AES-GCM and AES-CTR of every backend against the last one, libtomcrypt, which is as simple as can
 * be, and against OpenSSL where it is built in: all short lengths and some long ones, at any
 * alignment, up to the edge of a page behind which there is nothing, in place, with the ciphertext
 * behind the plaintext, and with wrong tags.
 * SPDX-License-Identifier: ISC
 */
#include <sys/mman.h>
#include <unistd.h>

#include "backends.h"
#include "crypto/provider.h"
#include "tests/run.h"

#define SMALL_MAX 600u
#define LARGEST 70000u
#define SHIFT_MAX 64u
#define AAD_MAX 300u
#define REFERENCES (HAVE_OPENSSL ? 2u : 1u) /* the last backends */

static const size_t long_sizes[] = {1200, 4095, 4096, 4097, 16383, 20000, 65537, LARGEST};
#define LONG_SIZES (sizeof long_sizes / sizeof long_sizes[0])

static size_t below(size_t bound) {
  uint32_t number;
  provider_random((uint8_t *)&number, sizeof number);
  return number % bound;
}

/* The index-th length to try; false after the last. */
static bool size_at(size_t index, size_t *out) {
  if (index <= SMALL_MAX)
    *out = index;
  else if (index - SMALL_MAX <= LONG_SIZES)
    *out = long_sizes[index - SMALL_MAX - 1];
  else
    return false;
  return true;
}

/* ---- Rooms: memory between two pages that cannot be touched ---- */

enum { ROOM_IN, ROOM_OUT, ROOM_ADDITIONAL, ROOMS };

static struct {
  uint8_t *start;
  size_t size;
} rooms[ROOMS];

static uint8_t before[2 * LARGEST], plaintext[LARGEST], sealed[LARGEST + AEAD_TAG_MAX];

static void rooms_new(void) {
  ck_assert_int_eq(provider_init(), OK);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (unsigned i = 0; i < ROOMS; i++) {
    rooms[i].size = (LARGEST + AEAD_TAG_MAX + SHIFT_MAX + page - 1) / page * page;
    ck_assert_uint_le(rooms[i].size, sizeof before);
    uint8_t *pages =
        mmap(NULL, rooms[i].size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    rooms[i].start = pages + page;
    ck_assert_int_eq(mprotect(rooms[i].start, rooms[i].size, PROT_READ | PROT_WRITE), 0);
    provider_random(rooms[i].start, rooms[i].size);
  }
}

/* A place for some bytes: at the room's start, at its end, or anywhere. */
static uint8_t *place(unsigned room, size_t size) {
  const size_t last = rooms[room].size - size;
  const size_t at[] = {0, last, last - below(SHIFT_MAX), below(SHIFT_MAX), below(last + 1)};
  return rooms[room].start + at[below(sizeof at / sizeof at[0])];
}

static void remember(unsigned room) {
  memcpy(before, rooms[room].start, rooms[room].size);
}

/* Nothing but these bytes has changed since. */
static void assert_only(unsigned room, const uint8_t *changed, size_t size) {
  const size_t from = (size_t)(changed - rooms[room].start);
  ck_assert_int_eq(memcmp(rooms[room].start, before, from), 0);
  ck_assert_int_eq(memcmp(changed + size, before + from + size, rooms[room].size - from - size), 0);
}

/* ---- AES-GCM ---- */

struct message {
  const struct aead *aead;
  struct aead_key *key, *reference_key;
  uint8_t nonce[AEAD_NONCE_MAX];
  struct view aad[3];
  size_t size; /* of `plaintext`; that of `sealed` has a tag more */
};

/* Additional data in up to three parts, most often short. */
static void draw_additional(struct view *aad) {
  for (unsigned i = 0; i < 3; i++) {
    const size_t most[] = {1, 6, 17, 40, AAD_MAX};
    aad[i].size = below(most[below(5)]);
    aad[i].data = place(ROOM_ADDITIONAL, aad[i].size);
  }
}

static void seal(const struct message *message, unsigned room, const uint8_t *in, uint8_t *out) {
  const size_t size = message->size + message->aead->tag_size;
  remember(room);
  ck_assert_int_eq(message->aead->seal(message->key, message->nonce, message->aad, 3,
                                       view_of(in, message->size), out),
                   OK);
  ck_assert_int_eq(memcmp(out, sealed, size), 0);
  assert_only(room, out, size);
}

static void open(const struct message *message, unsigned room, const uint8_t *in, uint8_t *out) {
  const size_t size = message->size + message->aead->tag_size;
  remember(room);
  ck_assert_int_eq(
      message->aead->open(message->key, message->nonce, message->aad, 3, view_of(in, size), out),
      OK);
  ck_assert_int_eq(memcmp(out, plaintext, message->size), 0);
  assert_only(room, out, message->size);
}

static void between_rooms(const struct message *message) {
  const size_t size = message->size + message->aead->tag_size;
  uint8_t *in = place(ROOM_IN, message->size), *out = place(ROOM_OUT, size);
  memcpy(in, plaintext, message->size);
  seal(message, ROOM_OUT, in, out);
  in = place(ROOM_IN, size);
  out = place(ROOM_OUT, message->size);
  memcpy(in, sealed, size);
  open(message, ROOM_OUT, in, out);
}

static void in_one_room(const struct message *message, size_t shift) {
  const size_t size = message->size + message->aead->tag_size;
  uint8_t *at = place(ROOM_IN, size + shift);
  memcpy(at, plaintext, message->size);
  seal(message, ROOM_IN, at, at + shift);
  open(message, ROOM_IN, at + shift, at);
}

/* One wrong bit anywhere: nothing of the plaintext is given. */
static void forged(const struct message *message) {
  const size_t size = message->size + message->aead->tag_size;
  uint8_t *in = place(ROOM_IN, size), *out = below(2) == 0 ? in : place(ROOM_OUT, size);
  memcpy(in, sealed, size);
  in[below(2) == 0 ? below(size) : size - 1 - below(message->aead->tag_size)] ^=
      (uint8_t)(1u << below(8));
  ck_assert_int_eq(
      message->aead->open(message->key, message->nonce, message->aad, 3, view_of(in, size), out),
      ERR_AUTH);
  ck_assert(all_zero(out, message->size));
}

static void compare_sizes(const struct aead *aead, const struct aead *reference) {
  struct message message = {.aead = aead};
  uint8_t bytes[AEAD_KEY_MAX] = {0};
  /* A key in place of another. */
  ck_assert_int_eq(aead->key_new(bytes, &message.key), OK);
  provider_random(bytes, sizeof bytes);
  ck_assert_int_eq(aead->key_set(message.key, bytes), OK);
  ck_assert_int_eq(reference->key_new(bytes, &message.reference_key), OK);
  for (size_t i = 0; size_at(i, &message.size); i++) {
    provider_random(message.nonce, sizeof message.nonce);
    provider_random(plaintext, message.size);
    draw_additional(message.aad);
    ck_assert_int_eq(reference->seal(message.reference_key, message.nonce, message.aad, 3,
                                     view_of(plaintext, message.size), sealed),
                     OK);
    between_rooms(&message);
    for (size_t shift = 0; shift <= aead->shift; shift++)
      if (shift == 0 || shift == aead->shift || message.size < LARGEST / 2)
        in_one_room(&message, shift);
    forged(&message);
  }
  aead->key_free(message.key);
  reference->key_free(message.reference_key);
}

START_TEST(test_gcm) {
  const enum aead_id id = _i == 0 ? AEAD_AES128GCM : AEAD_AES256GCM;
  size_t count = 0;
  while (provider_aead_at(id, count) != NULL)
    count++;
  for (size_t reference = count > REFERENCES ? count - REFERENCES : 0; reference < count;
       reference++)
    for (size_t i = 0; i < reference; i++)
      compare_sizes(provider_aead_at(id, i), provider_aead_at(id, reference));
}
END_TEST

/* ---- AES-CTR ---- */

/* A first counter of which up to `carry` bytes overflow soon. */
static void draw_counter(uint8_t *counter) {
  provider_random(counter, CTR_BLOCK_SIZE);
  const size_t carry = below(CTR_BLOCK_SIZE + 1);
  memset(counter + CTR_BLOCK_SIZE - carry, 0xff, carry);
  counter[CTR_BLOCK_SIZE - 1] = (uint8_t)(counter[CTR_BLOCK_SIZE - 1] - below(40));
}

static void compare_counting(const struct ctr *ctr, const struct ctr *reference) {
  struct ctr_key *key = NULL, *reference_key = NULL;
  uint8_t bytes[AEAD_KEY_MAX] = {0}, counter[CTR_BLOCK_SIZE];
  ck_assert_int_eq(ctr->key_new(bytes, &key), OK);
  provider_random(bytes, sizeof bytes);
  ck_assert_int_eq(ctr->key_set(key, bytes), OK);
  ck_assert_int_eq(reference->key_new(bytes, &reference_key), OK);
  size_t size;
  for (size_t i = 1; size_at(i, &size); i++) {
    draw_counter(counter);
    uint8_t *in = place(ROOM_IN, size), *out = place(ROOM_OUT, size);
    provider_random(in, size);
    ck_assert_int_eq(reference->apply(reference_key, counter, view_of(in, size), sealed), OK);
    remember(ROOM_OUT);
    ck_assert_int_eq(ctr->apply(key, counter, view_of(in, size), out), OK);
    ck_assert_int_eq(memcmp(out, sealed, size), 0);
    assert_only(ROOM_OUT, out, size);
    remember(ROOM_IN);
    ck_assert_int_eq(ctr->apply(key, counter, view_of(in, size), in), OK);
    ck_assert_int_eq(memcmp(in, sealed, size), 0);
    assert_only(ROOM_IN, in, size);
  }
  ctr->key_free(key);
  reference->key_free(reference_key);
}

START_TEST(test_ctr) {
  const enum ctr_id id = (enum ctr_id)_i;
  size_t count = 0;
  while (provider_ctr_at(id, count) != NULL)
    count++;
  for (size_t reference = count > REFERENCES ? count - REFERENCES : 0; reference < count;
       reference++)
    for (size_t i = 0; i < reference; i++)
      compare_counting(provider_ctr_at(id, i), provider_ctr_at(id, reference));
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("backends");
  tcase_add_checked_fixture(tcase, rooms_new, NULL);
  tcase_set_timeout(tcase, 60);
  tcase_add_loop_test(tcase, test_gcm, 0, 2);
  tcase_add_loop_test(tcase, test_ctr, 0, CTR_COUNT);
  return run_case("aes", tcase);
}
