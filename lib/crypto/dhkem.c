/* SPDX-License-Identifier: ISC */
#include "crypto/dhkem.h"

#include <string.h>

#include "base/platform.h"
#include "crypto/labeled.h"
#include "crypto/provider.h"
#include "crypto/smallorder.h"

static const struct dhkem *of(const struct kem *kem) {
  return (const struct dhkem *)kem;
}

static struct suite_id kem_id(const struct kem *kem) {
  return (struct suite_id){{'K', 'E', 'M', (uint8_t)(kem->id >> 8), (uint8_t)kem->id}, 5};
}

static bool is_nist(const struct dhkem *dhkem) {
  return dhkem->kem.id <= 0x0012; /* the first that RFC 9180 has */
}

static enum err prove(const struct kem *kem) {
  return provider_try_dh(of(kem)->dh_id);
}

/* ---- Key pairs ---- */

/* RFC 9180, section 7.1.3: for the NIST curves candidates are tried until one is in range. */
static enum err derive_nist(const struct dhkem *dhkem, const struct secret *seed,
                            struct secret *private_key, uint8_t *public_key) {
  const struct dh *dh = dhkem->dh;
  uint8_t mask = dh->private_size == 66 ? 0x01 : 0xff; /* P-521 has one bit in the first byte */
  enum err err = ERR_INVALID_ARG;
  for (unsigned counter = 0; counter < 256 && err == ERR_INVALID_ARG; counter++) {
    uint8_t byte = (uint8_t)counter;
    err = labeled_expand(dhkem->hash, kem_id(&dhkem->kem), seed, VIEW_TEXT("candidate"),
                         view_of(&byte, 1), VIEW_NONE, private_key->bytes, dh->private_size);
    if (err != OK)
      break;
    private_key->bytes[0] &= mask;
    err = dh->derive_public(private_key->bytes, public_key);
  }
  return err == ERR_INVALID_ARG ? ERR_INTERNAL : err;
}

static enum err derive_key_pair(const struct kem *kem, struct view input,
                                struct secret *private_key, uint8_t *public_key) {
  enum err err = OK;
  const struct dhkem *dhkem = of(kem);
  const struct dh *dh = dhkem->dh;
  uint8_t public_bytes[DH_PUBLIC_MAX];
  struct secret seed = {0}, key = {.size = (uint16_t)dh->private_size};
  TRY(labeled_extract(dhkem->hash, kem_id(kem), VIEW_NONE, VIEW_TEXT("dkp_prk"), input, VIEW_NONE,
                      &seed));
  if (is_nist(dhkem)) {
    TRY(derive_nist(dhkem, &seed, &key, public_bytes));
  } else {
    TRY(labeled_expand(dhkem->hash, kem_id(kem), &seed, VIEW_TEXT("sk"), VIEW_NONE, VIEW_NONE,
                       key.bytes, dh->private_size));
    TRY(dh->derive_public(key.bytes, public_bytes));
  }
  memcpy(public_key, public_bytes, dh->public_size);
  secret_move(private_key, &key);
done:
  secret_wipe(&seed);
  secret_wipe(&key);
  return err;
}

/* Any bytes are a scalar of X25519 and X448; DeriveKeyPair finds one of the NIST curves. */
static enum err generate_key_pair(const struct kem *kem, struct secret *private_key,
                                  uint8_t *public_key) {
  enum err err = OK;
  const struct dhkem *dhkem = of(kem);
  struct secret input = {0};
  TRY(provider_random_secret(&input, dhkem->dh->private_size));
  if (is_nist(dhkem)) {
    TRY(derive_key_pair(kem, secret_view(&input), private_key, public_key));
  } else {
    TRY(dhkem->dh->derive_public(input.bytes, public_key));
    secret_move(private_key, &input);
  }
done:
  secret_wipe(&input);
  return err;
}

static enum err derive_public(const struct kem *kem, const uint8_t *private_key,
                              uint8_t *public_key) {
  return of(kem)->dh->derive_public(private_key, public_key);
}

/* With a key of small order every shared secret is zero, which agree() refuses. */
static enum err check_public(const struct kem *kem, const uint8_t *public_key) {
  if (small_order(view_of(public_key, kem->public_size)))
    return ERR_MALFORMED;
  return of(kem)->dh->check_public(public_key);
}

/* ---- Encapsulation ---- */

/* ExtractAndExpand of DH(private, public), bound to both public keys. */
static enum err shared_secret(const struct kem *kem, const uint8_t *private_key,
                              const uint8_t *public_key, const uint8_t *output,
                              const uint8_t *receiver, struct secret *out) {
  enum err err = OK;
  const struct dhkem *dhkem = of(kem);
  struct secret extracted = {0}, result = {.size = (uint16_t)kem->secret_size};
  struct secret dh = {.size = (uint16_t)dhkem->dh->shared_size};
  TRY(dhkem->dh->agree(private_key, public_key, dh.bytes));
  TRY(labeled_extract(dhkem->hash, kem_id(kem), VIEW_NONE, VIEW_TEXT("eae_prk"), secret_view(&dh),
                      VIEW_NONE, &extracted));
  TRY(labeled_expand(dhkem->hash, kem_id(kem), &extracted, VIEW_TEXT("shared_secret"),
                     view_of(output, kem->output_size), view_of(receiver, kem->public_size),
                     result.bytes, result.size));
  secret_move(out, &result);
done:
  secret_wipe(&dh);
  secret_wipe(&extracted);
  secret_wipe(&result);
  return err;
}

static enum err encapsulate(const struct kem *kem, const uint8_t *public_key, struct secret *shared,
                            uint8_t *output) {
  enum err err = OK;
  struct secret ephemeral = {0};
  TRY(generate_key_pair(kem, &ephemeral, output));
  TRY(shared_secret(kem, ephemeral.bytes, public_key, output, public_key, shared));
done:
  secret_wipe(&ephemeral);
  return err;
}

static enum err decapsulate(const struct kem *kem, const uint8_t *private_key,
                            const uint8_t *public_key, const uint8_t *output,
                            struct secret *shared) {
  enum err err = OK;
  uint8_t derived[DH_PUBLIC_MAX];
  if (public_key == NULL) {
    TRY(derive_public(kem, private_key, derived));
    public_key = derived;
  }
  TRY(shared_secret(kem, private_key, output, output, public_key, shared));
done:
  return err;
}

/* ---- RFC 9180, section 7.1 ---- */

struct row {
  uint16_t id;
  enum dh_id dh;
  enum hash_id hash;
};

static const struct row rows[] = {
    {0x0010, DH_P256, HASH_SHA256}, {0x0011, DH_P384, HASH_SHA384},
    {0x0012, DH_P521, HASH_SHA512}, {0x0020, DH_X25519, HASH_SHA256},
    {0x0021, DH_X448, HASH_SHA512},
};

#define ROWS (sizeof rows / sizeof *rows)

static struct dhkem kems[ROWS]; /* without a code point, where an algorithm has no backend */

static void fill(void) {
  for (size_t i = 0; i < ROWS; i++) {
    const struct hash *hash = provider_hash(rows[i].hash);
    const struct dh *dh = provider_dh(rows[i].dh);
    if (hash == NULL || dh == NULL)
      continue;
    kems[i] = (struct dhkem){.kem = {.id = rows[i].id,
                                     .public_size = dh->public_size,
                                     .private_size = dh->private_size,
                                     .output_size = dh->public_size,
                                     .secret_size = hash->size,
                                     .prove = prove,
                                     .generate_key_pair = generate_key_pair,
                                     .derive_key_pair = derive_key_pair,
                                     .derive_public = derive_public,
                                     .check_public = check_public,
                                     .encapsulate = encapsulate,
                                     .decapsulate = decapsulate},
                             .hash = hash,
                             .dh = dh,
                             .dh_id = rows[i].dh};
  }
}

const struct kem *dhkem_find(uint16_t id) {
  static struct platform_once once = PLATFORM_ONCE_INITIALIZER;
  platform_once(&once, fill);
  for (size_t i = 0; i < ROWS; i++)
    if (kems[i].kem.id == id)
      return &kems[i].kem;
  return NULL;
}
