/*
 * AES-GCM (NIST SP 800-38D) and AES-CTR by the processor's own instructions: the algorithm, for the
 * engines, each of which includes it once after it has defined
 *
 *   ENGINE(name)   its prefix; TITLE, the backend's name; AVAILABLE, a function of aescpu.h
 *   INLINE, CODE   how its functions are declared: with the instructions that they may use
 *   LANES, VECTORS blocks of a vector, vectors of a batch (4 or 8): as many as keep the processor busy
 *   block_...      on one block, which is a `block`
 *   vec_...        on LANES blocks at once, which are a `vec`
 *   registers_wipe()
 *   TRACES         bytes of the stack that its functions use at most
 *
 * Blocks are hashed in reverse order of bytes, as numbers whose bit i belongs to x^i: so GHASH is
 * POLYVAL with the key H * x (RFC 8452, appendix A), and multiplying takes no reversal of bits.  A
 * product of 256 bits is a `struct product`, and sums of products are reduced once for a batch; to
 * that end a key has the powers of H, highest first.
 *
 * Constant time: there are no branches or addresses but those that depend on sizes, and no tables.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_AESCORE_H
#define CRYPTO_AESCORE_H

#include <stdalign.h>
#include <string.h>

#include "crypto/aespart.h"
#include "crypto/backend.h"

#define BLOCK_SIZE 16u
#define ROUNDS_MAX 14u /* AES-256 */
#define BATCH (LANES * VECTORS)
#define VECTOR_SIZE (LANES * BLOCK_SIZE)
#define BATCH_SIZE (BATCH * BLOCK_SIZE)

#define POWERS (BATCH + 1) /* a batch, and the lengths */

/* Straight code where `count` is a constant.  Not with a sanitizer's checks, which would make that code
 * so large that compiling it takes minutes. */
#if !defined(__clang__)
#define UNROLL _Pragma("GCC unroll 16")
#elif __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define UNROLL
#else
#define UNROLL _Pragma("clang loop unroll(full)")
#endif

/* One key for counter mode: immutable, and allocated as large as its rounds need. */
struct ctr_key {
  unsigned rounds;
  alignas(16) uint8_t keys[][BLOCK_SIZE];
};

/* One for GCM; a ctr_key follows in the same memory.  A vector that is loaded where a batch is not
 * full reaches behind the last power: what it finds there is multiplied by zero. */
struct aead_key {
  alignas(16) uint8_t powers[POWERS + LANES - 1][BLOCK_SIZE]; /* of H * x, highest first */
};

static inline const struct ctr_key *aes_of(const struct aead_key *key) {
  return (const struct ctr_key *)(key + 1);
}

/* Where a message stands. */
struct run {
  const struct ctr_key *aes;
  const struct aead_key *gcm; /* NULL for counter mode alone */
  vec counter;                /* reversed: the number is in front */
  block hash;
  block first; /* of the next batch's input: its place may be overwritten already */
  bool taken;  /* `first` is set */
};

/* What is done with input; constants wherever these are passed, so that code is made for each. */
enum way { WAY_COUNT, WAY_SEAL, WAY_OPEN };

_Static_assert(TRACES % BLOCK_SIZE == 0, "wipe_traces() writes blocks");

/* What calls have left in registers, and on the stack where there were too few of these: the caller's
 * caller, whose frame lies above theirs, has it overwritten.  Each block is as if it were read, so that
 * no memset() is made of them: where that becomes `rep stos`, the next frame has to wait for it. */
CODE __attribute__((noinline)) void wipe_traces(void) {
  uint8_t traces[TRACES];
  for (size_t i = 0; i < sizeof traces; i += BLOCK_SIZE) {
    block_store(traces + i, block_zero());
    __asm__ volatile("" : : "r"(traces) : "memory");
  }
  registers_wipe();
}

/* ---- AES ---- */

/* The words of a block, which are all the same, through the S-box: rows have nothing to shift. */
INLINE uint32_t substitute(uint32_t word) {
  return block_word(block_substitute(block_words(word)));
}

/* FIPS 197, section 5.2, words in little-endian order. */
CODE __attribute__((noinline)) void expand(const uint8_t *bytes, unsigned words,
                                           struct ctr_key *out) {
  uint32_t last, chain[8], constant = 1;
  memcpy(chain, bytes, 4 * (size_t)words);
  out->rounds = words + 6;
  memcpy(out->keys, bytes, 4 * (size_t)words);
  last = chain[words - 1];
  unsigned at = 0; /* i mod words */
  for (unsigned i = words; i < 4 * (out->rounds + 1); i++, at = at + 1 == words ? 0 : at + 1) {
    if (at == 0) {
      last = substitute(last >> 8 | last << 24) ^ constant;
      constant = constant << 1 ^ (constant >> 7) * 0x11bu;
    } else if (words == 8 && at == 4) {
      last = substitute(last);
    }
    last ^= chain[at];
    chain[at] = last;
    memcpy(&out->keys[i / 4][4 * (i % 4)], &last, 4);
  }
}

INLINE block encrypt_block(const struct ctr_key *aes, block state) {
  state = block_begin(state, aes->keys[0]);
  for (unsigned i = 1; i < aes->rounds; i++)
    state = block_round(state, aes->keys[i - 1], aes->keys[i]);
  return block_end(state, aes->keys[aes->rounds - 1], aes->keys[aes->rounds]);
}

INLINE void begin_vectors(struct run *run, vec *state, unsigned count) {
  UNROLL
  for (unsigned j = 0; j < count; j++) {
    state[j] = vec_begin(vec_reverse(run->counter), run->aes->keys[0]);
    run->counter = vec_add(run->counter, LANES);
  }
}

INLINE void round_vectors(const struct run *run, vec *state, unsigned count, unsigned i) {
  UNROLL
  for (unsigned j = 0; j < count; j++)
    state[j] = vec_round(state[j], run->aes->keys[i - 1], run->aes->keys[i]);
}

INLINE void end_vectors(const struct run *run, vec *state, unsigned count) {
  const unsigned rounds = run->aes->rounds;
  UNROLL
  for (unsigned j = 0; j < count; j++)
    state[j] = vec_end(state[j], run->aes->keys[rounds - 1], run->aes->keys[rounds]);
}

/* ---- GHASH ---- */

INLINE block multiply(block a, block b) {
  return block_reduce(block_product(a, b));
}

/* The same number times x. */
INLINE block double_block(block number) {
  const uint64_t low = block_low(number), high = block_high(number), carry = 0 - (high >> 63);
  return block_of(low << 1 ^ (carry & 1),
                  (high << 1 | low >> 63) ^ (carry & UINT64_C(0xc200000000000000)));
}

/* The powers that end with H^last, for `count` blocks before. */
INLINE const uint8_t *powers_to(const struct aead_key *key, unsigned count, unsigned last) {
  return key->powers[POWERS + 1 - last - count];
}

/* Whole blocks, one after the other: for additional data. */
CODE block hash_blocks(const struct aead_key *key, block hash, const uint8_t *from, size_t blocks) {
  while (blocks > 0) {
    const unsigned count = blocks < BATCH ? (unsigned)blocks : BATCH;
    const uint8_t *power = powers_to(key, count, 1);
    struct product sum =
        block_product(block_xor(hash, block_reverse(block_load(from))), block_load(power));
    for (unsigned i = 1; i < count; i++)
      sum = product_xor(sum, block_product(block_reverse(block_load(from + (size_t)i * BLOCK_SIZE)),
                                           block_load(power + (size_t)i * BLOCK_SIZE)));
    hash = block_reduce(sum);
    from += (size_t)count * BLOCK_SIZE;
    blocks -= count;
  }
  return hash;
}

/* Parts as if they were one, and zeros up to the next block. */
CODE block hash_parts(const struct aead_key *key, const struct view *parts, size_t count) {
  block hash = block_zero();
  uint8_t pending[BLOCK_SIZE];
  size_t filled = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *from = parts[i].data;
    size_t left = parts[i].size;
    while (left > 0) {
      if (filled == 0 && left >= BLOCK_SIZE) {
        hash = hash_blocks(key, hash, from, left / BLOCK_SIZE);
        from += left / BLOCK_SIZE * BLOCK_SIZE;
        left %= BLOCK_SIZE;
        continue;
      }
      const size_t take = left < BLOCK_SIZE - filled ? left : BLOCK_SIZE - filled;
      memcpy(pending + filled, from, take);
      from += take;
      left -= take;
      filled = (filled + take) % BLOCK_SIZE;
      if (filled == 0)
        hash = hash_blocks(key, hash, pending, 1);
    }
  }
  if (filled > 0) {
    memset(pending + filled, 0, BLOCK_SIZE - filled);
    hash = hash_blocks(key, hash, pending, 1);
  }
  return hash;
}

/* The hash of the additional data.  That of most frames is one part of a few bytes. */
INLINE block hash_aad(const struct aead_key *key, const struct view *aad, size_t count,
                      uint64_t *size) {
  *size = 0;
  for (size_t i = 0; i < count; i++)
    *size += aad[i].size;
  if (*size == 0)
    return block_zero();
  if (*size <= BLOCK_SIZE && aad[0].size == *size)
    return multiply(block_reverse(block_load_part(aad[0].data, aad[0].size)),
                    block_load(powers_to(key, 1, 1)));
  return hash_parts(key, aad, count);
}

/* ---- Whole batches ---- */

/* Key stream of a batch and, between the rounds, the hash of a batch of ciphertext (NULL: none). */
INLINE void stream_batch(struct run *run, vec *state, const vec *hashed) {
  struct sums sums = sums_zero();
  begin_vectors(run, state, VECTORS);
  UNROLL
  for (unsigned i = 1; i < 10; i++) {
    round_vectors(run, state, VECTORS, i);
    const unsigned each = 8 / VECTORS, j = i / each - 1;
    if (hashed != NULL && i % each == 0 && i <= 8) {
      vec input = j == 0 ? vec_xor_first(hashed[0], run->hash) : hashed[j];
      sums = vec_multiply_add(sums, input, vec_load(run->gcm->powers[1 + j * LANES]));
    }
  }
  for (unsigned i = 10; i < run->aes->rounds; i++)
    round_vectors(run, state, VECTORS, i);
  end_vectors(run, state, VECTORS);
  if (hashed != NULL)
    run->hash = block_reduce(vec_fold(sums));
}

INLINE void hash_batch(struct run *run, const vec *hashed) {
  struct sums sums = sums_zero();
  UNROLL
  for (unsigned j = 0; j < VECTORS; j++) {
    vec input = j == 0 ? vec_xor_first(hashed[0], run->hash) : hashed[j];
    sums = vec_multiply_add(sums, input, vec_load(run->gcm->powers[1 + j * LANES]));
  }
  run->hash = block_reduce(vec_fold(sums));
}

/* @param left  bytes of input behind this batch */
INLINE void cross_batch(enum way way, struct run *run, vec *state, const uint8_t *in, uint8_t *out,
                        size_t left) {
  UNROLL
  for (unsigned j = 0; j < VECTORS; j++) {
    vec input = vec_load(in + j * VECTOR_SIZE);
    if (way != WAY_OPEN && j == 0 && run->taken)
      input = vec_set_first(input, run->first);
    state[j] = vec_xor(state[j], input);
  }
  if (way != WAY_OPEN) {
    run->first =
        left >= BLOCK_SIZE ? block_load(in + BATCH_SIZE) : block_load_part(in + BATCH_SIZE, left);
    run->taken = true;
  }
  UNROLL
  for (unsigned j = 0; j < VECTORS; j++)
    vec_store(out + j * VECTOR_SIZE, state[j]);
}

INLINE void load_batch(vec *to, const uint8_t *in) {
  UNROLL
  for (unsigned j = 0; j < VECTORS; j++)
    to[j] = vec_reverse(vec_load(in + j * VECTOR_SIZE));
}

INLINE void reverse_batch(vec *to, const vec *from) {
  UNROLL
  for (unsigned j = 0; j < VECTORS; j++)
    to[j] = vec_reverse(from[j]);
}

/* Opening hashes a batch while its key stream is made, sealing the batch before.  There is one at
 * least.  @return bytes done */
INLINE size_t whole_batches(enum way way, struct run *run, const uint8_t *in, uint8_t *out,
                            size_t size) {
  vec state[VECTORS], hashed[VECTORS];
  size_t done = 0;
  if (way != WAY_OPEN) {
    stream_batch(run, state, NULL);
    cross_batch(way, run, state, in, out, size - BATCH_SIZE);
    done = BATCH_SIZE;
  }
  for (; size - done >= BATCH_SIZE; done += BATCH_SIZE) {
    if (way == WAY_OPEN)
      load_batch(hashed, in + done);
    else if (way == WAY_SEAL)
      reverse_batch(hashed, state);
    stream_batch(run, state, way == WAY_COUNT ? NULL : hashed);
    cross_batch(way, run, state, in + done, out + done, size - done - BATCH_SIZE);
  }
  if (way == WAY_SEAL) {
    reverse_batch(hashed, state);
    hash_batch(run, hashed);
  }
  return done;
}

/* ---- The rest, and the tag ---- */

/*
 * Less than a batch, in `count` vectors, the last of which may not be full; for GCM also the lengths
 * and the block that masks the tag.  @return the tag
 */
INLINE block finish(enum way way, struct run *run, block mask, block lengths, const uint8_t *in,
                    uint8_t *out, size_t size, unsigned count) {
  vec state[VECTORS], input[VECTORS];
  const size_t before = count > 0 ? (count - 1) * VECTOR_SIZE : 0;
  begin_vectors(run, state, count);
  mask = block_begin(mask, run->aes->keys[0]);
  for (unsigned i = 1; i < run->aes->rounds; i++) {
    round_vectors(run, state, count, i);
    if (way != WAY_COUNT)
      mask = block_round(mask, run->aes->keys[i - 1], run->aes->keys[i]);
  }
  end_vectors(run, state, count);
  UNROLL
  for (unsigned j = 0; j < count; j++) {
    input[j] =
        j + 1 < count ? vec_load(in + j * VECTOR_SIZE) : vec_load_part(in + before, size - before);
    if (way != WAY_OPEN && j == 0 && run->taken)
      input[0] = vec_set_first(input[0], run->first);
    state[j] = vec_xor(state[j], input[j]);
  }
  UNROLL
  for (unsigned j = 0; j + 1 < count; j++)
    vec_store(out + j * VECTOR_SIZE, state[j]);
  if (count > 0)
    vec_store_part(out + before, state[count - 1], size - before);
  if (way == WAY_COUNT)
    return block_zero();

  if (way == WAY_SEAL && count > 0)
    state[count - 1] = vec_keep(state[count - 1], size - before);
  if (count == 0)
    lengths = block_xor(lengths, run->hash);
  struct product sum = block_product(lengths, block_load(powers_to(run->gcm, 1, 1)));
  struct sums sums = sums_zero();
  const uint8_t *powers = powers_to(run->gcm, (unsigned)((size + BLOCK_SIZE - 1) / BLOCK_SIZE), 2);
  UNROLL
  for (unsigned j = 0; j < count; j++) {
    vec hashed = vec_reverse(way == WAY_SEAL ? state[j] : input[j]);
    if (j == 0)
      hashed = vec_xor_first(hashed, run->hash);
    sums = vec_multiply_add(sums, hashed, vec_load(powers + j * VECTOR_SIZE));
  }
  block tag = block_reverse(block_reduce(product_xor(sum, vec_fold(sums))));
  return block_xor(
      tag, block_end(mask, run->aes->keys[run->aes->rounds - 1], run->aes->keys[run->aes->rounds]));
}

/* Code for each number of vectors, all of which is straight. */
INLINE block process(enum way way, struct run *run, block mask, block lengths, const uint8_t *in,
                     uint8_t *out, size_t size) {
  if (size >= BATCH_SIZE) {
    const size_t done = whole_batches(way, run, in, out, size);
    in += done;
    out += done;
    size -= done;
  }
  switch ((size + VECTOR_SIZE - 1) / VECTOR_SIZE) {
#define CASE(count)                                                                                \
  case count:                                                                                      \
    return finish(way, run, mask, lengths, in, out, size, count)
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
#if VECTORS == 8
    CASE(5);
    CASE(6);
    CASE(7);
    CASE(8);
#endif
#undef CASE
  default:
    return finish(way, run, mask, lengths, in, out, size, 0);
  }
}

/* ---- AES-GCM ---- */

#define TAG_SIZE BLOCK_SIZE

CODE __attribute__((noinline)) void prepare(struct aead_key *key, const uint8_t *bytes,
                                            unsigned words) {
  struct ctr_key *aes = (struct ctr_key *)(key + 1);
  expand(bytes, words, aes);
  block power = double_block(block_reverse(encrypt_block(aes, block_zero())));
  const uint8_t *highest = key->powers[POWERS - 1];
  block_store(key->powers[POWERS - 1], power);
  /* Each power from two that are known: few of the products wait for each other. */
  for (unsigned known = 1, next = 2; next <= POWERS; next++) {
    if (next > 2 * known) {
      known = next - 1;
      highest = key->powers[POWERS - known];
    }
    power = multiply(block_load(highest), block_load(key->powers[POWERS - (next - known)]));
    block_store(key->powers[POWERS - next], power);
  }
  for (unsigned i = POWERS; i < POWERS + LANES - 1; i++)
    block_store(key->powers[i], block_zero());
}

static void gcm_set(struct aead_key *key, const uint8_t *bytes, unsigned words) {
  prepare(key, bytes, words);
  wipe_traces();
}

static size_t ctr_size(unsigned words) {
  return sizeof(struct ctr_key) + (words + 7) * (size_t)BLOCK_SIZE;
}

static size_t gcm_size(unsigned words) {
  return sizeof(struct aead_key) + ctr_size(words);
}

static enum err gcm_new(const uint8_t *bytes, unsigned words, struct aead_key **out) {
  struct aead_key *key = locked_new(gcm_size(words));
  if (key == NULL)
    return ERR_NOMEM;
  gcm_set(key, bytes, words);
  *out = key;
  return OK;
}

static void gcm_free(struct aead_key *key) {
  if (key != NULL)
    locked_free(key, gcm_size(aes_of(key)->rounds - 6));
}

/* SP 800-38D, section 7.1, for a nonce of 96 bits: counters from 1, of which the first is for the
 * tag. */
INLINE block gcm_process(enum way way, const struct aead_key *key, const uint8_t *nonce,
                         const struct view *aad, size_t aad_count, const uint8_t *in, size_t size,
                         uint8_t *out) {
  uint64_t aad_size = 0;
  /* From pieces as frames write them: a load over several stores would wait for them. */
  const uint64_t front = part_u32(nonce), rest = part_u64(nonce + 4);
  const block mask = block_of(front | rest << 32, rest >> 32 | UINT64_C(1) << 56);
  struct run run = {.aes = aes_of(key), .gcm = key, .taken = false};
  run.counter = vec_count(block_reverse(mask), 1);
  run.hash = hash_aad(key, aad, aad_count, &aad_size);
  run.first = block_zero();
  const block lengths = block_of(8 * (uint64_t)size, 8 * aad_size);
  return process(way, &run, mask, lengths, in, out, size);
}

CODE __attribute__((noinline)) void seal_message(const struct aead_key *key, const uint8_t *nonce,
                                                 const struct view *aad, size_t aad_count,
                                                 struct view plaintext, uint8_t *out) {
  block tag =
      gcm_process(WAY_SEAL, key, nonce, aad, aad_count, plaintext.data, plaintext.size, out);
  block_store(out + plaintext.size, tag);
}

static enum err gcm_seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                         size_t aad_count, struct view plaintext, uint8_t *out) {
  if (plaintext.size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  seal_message(key, nonce, aad, aad_count, plaintext, out);
  wipe_traces();
  return OK;
}

/* The expected tag is read first: where it was, plaintext may be written. */
CODE __attribute__((noinline)) bool open_message(const struct aead_key *key, const uint8_t *nonce,
                                                 const struct view *aad, size_t aad_count,
                                                 struct view ciphertext, uint8_t *out) {
  const size_t size = ciphertext.size - TAG_SIZE;
  const block expected = block_load(ciphertext.data + size);
  block tag = gcm_process(WAY_OPEN, key, nonce, aad, aad_count, ciphertext.data, size, out);
  return block_equal(tag, expected);
}

static enum err gcm_open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                         size_t aad_count, struct view ciphertext, uint8_t *out) {
  const size_t size = ciphertext.size - TAG_SIZE;
  if (size > AEAD_MESSAGE_MAX)
    return ERR_LIMIT;
  const bool authentic = open_message(key, nonce, aad, aad_count, ciphertext, out);
  wipe_traces();
  if (authentic)
    return OK;
  if (size > 0)
    wipe(out, size);
  return ERR_AUTH;
}

#define DEFINE_GCM(bits)                                                                           \
  static enum err gcm_new_##bits(const uint8_t *key, struct aead_key **out) {                      \
    return gcm_new(key, bits / 32, out);                                                           \
  }                                                                                                \
  static enum err gcm_set_##bits(struct aead_key *key, const uint8_t *bytes) {                     \
    gcm_set(key, bytes, bits / 32);                                                                \
    return OK;                                                                                     \
  }                                                                                                \
  const struct aead ENGINE(aes##bits##gcm) = {.name = "AES-" #bits "-GCM",                         \
                                              .backend = TITLE,                                    \
                                              .key_size = bits / 8,                                \
                                              .nonce_size = AEAD_NONCE_MAX,                        \
                                              .tag_size = TAG_SIZE,                                \
                                              .shift = BLOCK_SIZE,                                 \
                                              .available = AVAILABLE,                              \
                                              .key_new = gcm_new_##bits,                           \
                                              .key_set = gcm_set_##bits,                           \
                                              .key_free = gcm_free,                                \
                                              .seal = gcm_seal,                                    \
                                              .open = gcm_open}

DEFINE_GCM(128);
DEFINE_GCM(256);

/* ---- AES-CTR ---- */

static void ctr_set(struct ctr_key *key, const uint8_t *bytes, unsigned words) {
  expand(bytes, words, key);
  wipe_traces();
}

static enum err ctr_new(const uint8_t *bytes, unsigned words, struct ctr_key **out) {
  struct ctr_key *key = locked_new(ctr_size(words));
  if (key == NULL)
    return ERR_NOMEM;
  ctr_set(key, bytes, words);
  *out = key;
  return OK;
}

static void ctr_free(struct ctr_key *key) {
  if (key != NULL)
    locked_free(key, ctr_size(key->rounds - 6));
}

/* The processor's counters have 32 bits, so a message is cut where these overflow. */
CODE __attribute__((noinline)) void count_along(const struct ctr_key *key, const uint8_t *first,
                                                struct view input, uint8_t *out) {
  uint8_t start[CTR_BLOCK_SIZE];
  memcpy(start, first, sizeof start);
  for (size_t done = 0; done < input.size;) {
    uint64_t number = 0; /* the last four bytes */
    for (unsigned i = 12; i < 16; i++)
      number = number << 8 | start[i];
    const uint64_t most = ((UINT64_C(1) << 32) - number) * BLOCK_SIZE;
    const size_t size = input.size - done < most ? input.size - done : (size_t)most;
    struct run run = {.aes = key, .gcm = NULL, .taken = false};
    run.counter = vec_count(block_reverse(block_load(start)), 0);
    run.first = run.hash = block_zero();
    (void)process(WAY_COUNT, &run, block_zero(), block_zero(), input.data + done, out + done, size);
    done += size;
    /* On in the bytes before, which may be secret, without a look at them. */
    unsigned carry = 1;
    memset(start + 12, 0, 4);
    for (unsigned i = 12; done < input.size && i-- > 0; carry >>= 8)
      start[i] = (uint8_t)(carry += start[i]);
  }
}

static enum err ctr_apply(struct ctr_key *key, const uint8_t *first, struct view input,
                          uint8_t *out) {
  count_along(key, first, input, out);
  wipe_traces();
  return OK;
}

#define DEFINE_CTR(bits)                                                                           \
  static enum err ctr_new_##bits(const uint8_t *key, struct ctr_key **out) {                       \
    return ctr_new(key, bits / 32, out);                                                           \
  }                                                                                                \
  static enum err ctr_set_##bits(struct ctr_key *key, const uint8_t *bytes) {                      \
    ctr_set(key, bytes, bits / 32);                                                                \
    return OK;                                                                                     \
  }                                                                                                \
  const struct ctr ENGINE(aes##bits##ctr) = {.name = "AES-" #bits "-CTR",                          \
                                             .backend = TITLE,                                     \
                                             .key_size = bits / 8,                                 \
                                             .available = AVAILABLE,                               \
                                             .key_new = ctr_new_##bits,                            \
                                             .key_set = ctr_set_##bits,                            \
                                             .key_free = ctr_free,                                 \
                                             .apply = ctr_apply}

DEFINE_CTR(128);
DEFINE_CTR(256);

#endif
