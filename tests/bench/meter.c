/* SPDX-License-Identifier: ISC */
#include "meter.h"

#include <string.h>

#include "bench.h"
#include "crypto/dhkem.h"
#include "crypto/provider.h"

#define KILOBYTE 1024
#define BLOCK 64 /* of SHA-256; SHA-384 and SHA-512 are counted in the same pieces */

/* ---- Counting ---- */

/* The suite that is being watched, and its tables. */
static struct {
  struct suite *suite;
  struct suite real;
  struct hash hash;
  struct dhkem kem;
  struct aead aead;
  struct dh dh;
  struct signature signature;
  struct meter meter;
} watched;

const struct dh *meter_group(const struct suite *suite) {
  return ((const struct dhkem *)suite->kem)->dh;
}

static void count(enum meter_kind kind, double by) {
  watched.meter.count[kind] += by;
}

static size_t size_of(const struct view *parts, size_t parts_count) {
  size_t size = 0;
  for (size_t i = 0; i < parts_count; i++)
    size += parts[i].size;
  return size;
}

/* Padding takes nine bytes. */
static double further_blocks(size_t size) {
  return (double)((size + 8) / BLOCK);
}

static enum err digest(const struct view *parts, size_t parts_count, uint8_t *out) {
  count(METER_DIGEST, 1);
  count(METER_DIGEST_BLOCK, further_blocks(size_of(parts, parts_count)));
  return watched.real.hash->digest(parts, parts_count, out);
}

static enum err hmac(struct view key, const struct view *parts, size_t parts_count, uint8_t *out) {
  count(METER_HMAC, 1);
  count(METER_HMAC_BLOCK, further_blocks(size_of(parts, parts_count)));
  return watched.real.hash->hmac(key, parts, parts_count, out);
}

/* Counted as a whole one: keys that are kept are few. */
static enum err hmac_keyed(const struct hmac_key *key, const struct view *parts, size_t parts_count,
                           uint8_t *out) {
  count(METER_HMAC, 1);
  count(METER_HMAC_BLOCK, further_blocks(size_of(parts, parts_count)));
  return watched.real.hash->hmac_keyed(key, parts, parts_count, out);
}

static enum err derive_public(const uint8_t *private_key, uint8_t *public_key) {
  count(METER_DERIVE, 1);
  return meter_group(&watched.real)->derive_public(private_key, public_key);
}

static enum err check_public(const uint8_t *public_key) {
  count(METER_CHECK, 1);
  return meter_group(&watched.real)->check_public(public_key);
}

static enum err agree(const uint8_t *private_key, const uint8_t *public_key, uint8_t *shared) {
  count(METER_AGREE, 1);
  return meter_group(&watched.real)->agree(private_key, public_key, shared);
}

static enum err sign(const uint8_t *private_key, struct view message, uint8_t *out, size_t *size) {
  count(METER_SIGN, 1);
  count(METER_SIGN_KILOBYTE, (double)message.size / KILOBYTE);
  return watched.real.signature->sign(private_key, message, out, size);
}

static enum err verify(const uint8_t *public_key, struct view message, struct view signature) {
  count(METER_VERIFY, 1);
  count(METER_VERIFY_KILOBYTE, (double)message.size / KILOBYTE);
  return watched.real.signature->verify(public_key, message, signature);
}

static enum err seal(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                     size_t aad_count, struct view plaintext, uint8_t *out) {
  count(METER_AEAD, 1);
  count(METER_AEAD_KILOBYTE, (double)plaintext.size / KILOBYTE);
  return watched.real.aead->seal(key, nonce, aad, aad_count, plaintext, out);
}

static enum err open(struct aead_key *key, const uint8_t *nonce, const struct view *aad,
                     size_t aad_count, struct view ciphertext, uint8_t *out) {
  count(METER_AEAD, 1);
  count(METER_AEAD_KILOBYTE, (double)ciphertext.size / KILOBYTE);
  return watched.real.aead->open(key, nonce, aad, aad_count, ciphertext, out);
}

/* The rows of suite.c are const to all but the one who fills them: here that is the benchmark. */
void meter_start(const struct suite *suite) {
  watched.suite = (struct suite *)(uintptr_t)suite;
  watched.real = *suite;
  watched.hash = *suite->hash;
  watched.aead = *suite->aead;
  watched.kem = *(const struct dhkem *)suite->kem;
  watched.dh = *meter_group(suite);
  watched.signature = *suite->signature;
  watched.meter = (struct meter){{0}};
  watched.hash.digest = digest;
  watched.hash.hmac = hmac;
  watched.hash.hmac_keyed = hmac_keyed;
  watched.aead.seal = seal;
  watched.aead.open = open;
  watched.dh.derive_public = derive_public;
  watched.dh.check_public = check_public;
  watched.dh.agree = agree;
  watched.signature.sign = sign;
  watched.signature.verify = verify;
  watched.kem.hash = &watched.hash;
  watched.kem.dh = &watched.dh;
  watched.suite->kem = &watched.kem.kem;
  watched.suite->hash = &watched.hash;
  watched.suite->aead = &watched.aead;
  watched.suite->signature = &watched.signature;
}

struct meter meter_stop(void) {
  *watched.suite = watched.real;
  return watched.meter;
}

const char *meter_name(enum meter_kind kind) {
  static const char *const names[METER_KINDS] = {
      [METER_DIGEST] = "digest",
      [METER_DIGEST_BLOCK] = "digest_block",
      [METER_HMAC] = "hmac",
      [METER_HMAC_BLOCK] = "hmac_block",
      [METER_DERIVE] = "derive",
      [METER_CHECK] = "check",
      [METER_AGREE] = "agree",
      [METER_SIGN] = "sign",
      [METER_SIGN_KILOBYTE] = "sign_kilobyte",
      [METER_VERIFY] = "verify",
      [METER_VERIFY_KILOBYTE] = "verify_kilobyte",
      [METER_AEAD] = "aead",
      [METER_AEAD_KILOBYTE] = "aead_kilobyte",
  };
  return names[kind];
}

/* ---- Timing ---- */

#define LONG_KILOBYTES 32
#define LONG_BYTES (LONG_KILOBYTES * KILOBYTE)

/* Something to work on: keys of a suite, and what they have made. */
struct sample {
  const struct suite *suite;
  uint8_t private_key[SECRET_MAX], public_key[KEM_PUBLIC_MAX], shared[SECRET_MAX];
  uint8_t signature_key[SECRET_MAX], signature_public[SIGNATURE_PUBLIC_MAX];
  uint8_t signature[2][SIGNATURE_MAX]; /* of the short, and of the long message */
  size_t signature_size[2];
  uint8_t message[LONG_BYTES], out[LONG_BYTES + AEAD_TAG_MAX];
};

static const struct sample *sample_of(const struct suite *suite) {
  static struct sample sample;
  if (sample.suite == suite)
    return &sample;
  sample.suite = suite;
  do { /* candidates for a scalar of a NIST curve */
    provider_random(sample.private_key, suite->kem->private_size);
    sample.private_key[0] &= 1;
  } while (meter_group(suite)->derive_public(sample.private_key, sample.public_key) != OK);
  bench_require(suite->signature->generate(sample.signature_key, sample.signature_public),
                "generate");
  for (size_t i = 0; i < 2; i++)
    bench_require(
        suite->signature->sign(sample.signature_key,
                               view_of(sample.message, i == 0 ? KILOBYTE / 4 : LONG_BYTES),
                               sample.signature[i], &sample.signature_size[i]),
        "sign");
  return &sample;
}

/* A message short enough for one block, or a long one. */
static struct view message_of(const struct sample *sample, bool is_long, size_t small) {
  return view_of(sample->message, is_long ? LONG_BYTES : small);
}

static enum err seal_once(struct sample *sample, bool is_long) {
  enum err err;
  const struct aead *aead = sample->suite->aead;
  struct aead_key *key = NULL;
  TRY(aead->key_new(sample->message, &key));
  TRY(aead->seal(key, sample->message, NULL, 0, message_of(sample, is_long, BLOCK), sample->out));
done:
  aead->key_free(key);
  return err;
}

static enum err call_once(struct sample *sample, enum meter_kind kind, bool is_long) {
  const struct suite *suite = sample->suite;
  struct view message = message_of(sample, is_long, BLOCK / 2);
  struct view content = message_of(sample, is_long, KILOBYTE / 4);
  size_t size = 0;
  switch (kind) {
  case METER_DIGEST:
    return suite->hash->digest(&message, 1, sample->out);
  case METER_HMAC:
    return suite->hash->hmac(view_of(sample->message, suite->hash->size), &message, 1, sample->out);
  case METER_DERIVE:
    return meter_group(suite)->derive_public(sample->private_key, sample->out);
  case METER_CHECK:
    return meter_group(suite)->check_public(sample->public_key);
  case METER_AGREE:
    return meter_group(suite)->agree(sample->private_key, sample->public_key, sample->shared);
  case METER_SIGN:
    return suite->signature->sign(sample->signature_key, content, sample->out, &size);
  case METER_VERIFY:
    return suite->signature->verify(
        sample->signature_public, content,
        view_of(sample->signature[is_long], sample->signature_size[is_long]));
  case METER_AEAD:
    return seal_once(sample, is_long);
  case METER_DIGEST_BLOCK: /* what long messages add is a difference */
  case METER_HMAC_BLOCK:
  case METER_SIGN_KILOBYTE:
  case METER_VERIFY_KILOBYTE:
  case METER_AEAD_KILOBYTE:
  case METER_KINDS:
  default:
    return ERR_INTERNAL;
  }
}

static double time_calls(const struct suite *suite, enum meter_kind kind, bool is_long,
                         unsigned calls) {
  struct sample *sample = (struct sample *)(uintptr_t)sample_of(suite);
  double start = bench_cpu_ns();
  for (unsigned i = 0; i < calls; i++)
    bench_require(call_once(sample, kind, is_long), meter_name(kind));
  return (bench_cpu_ns() - start) / calls;
}

/* A kind that is called, the one for longer input, and how many of those the long message is. */
static const struct {
  enum meter_kind call, more;
  double long_message;
} pairs[] = {
    {METER_DIGEST, METER_DIGEST_BLOCK, (double)LONG_BYTES / BLOCK},
    {METER_HMAC, METER_HMAC_BLOCK, (double)LONG_BYTES / BLOCK},
    {METER_DERIVE, METER_KINDS, 0},
    {METER_CHECK, METER_KINDS, 0},
    {METER_AGREE, METER_KINDS, 0},
    {METER_SIGN, METER_SIGN_KILOBYTE, LONG_KILOBYTES},
    {METER_VERIFY, METER_VERIFY_KILOBYTE, LONG_KILOBYTES},
    {METER_AEAD, METER_AEAD_KILOBYTE, LONG_KILOBYTES},
};

/* Cheap calls are many, so that the clock does not count. */
static unsigned calls_for(enum meter_kind kind, double wanted) {
  unsigned least =
      kind == METER_DIGEST || kind == METER_HMAC || kind == METER_CHECK || kind == METER_AEAD ? 24
                                                                                              : 3;
  return wanted > 16 && least < 16 ? 16 : least;
}

double meter_cost(const struct suite *suite, const struct meter *meter) {
  double ns = 0;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    double calls = meter->count[pairs[i].call];
    if (calls <= 0)
      continue;
    double one = time_calls(suite, pairs[i].call, false, calls_for(pairs[i].call, calls));
    ns += calls * one;
    if (pairs[i].more == METER_KINDS || meter->count[pairs[i].more] <= 0)
      continue;
    double slope = (time_calls(suite, pairs[i].call, true, 1) - one) / pairs[i].long_message;
    ns += slope > 0 ? slope * meter->count[pairs[i].more] : 0;
  }
  return ns;
}
