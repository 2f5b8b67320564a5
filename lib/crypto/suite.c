/* SPDX-License-Identifier: ISC */
#include "crypto/suite.h"

#include "base/platform.h"
#include "crypto/dhkem.h"
#include "crypto/provider.h"

/* A row: the code points of RFC 9420, section 17.1 and RFC 9180, section 7, and the algorithms. */
struct row {
  uint16_t id, kem, kdf, aead;
  enum hash_id hash_id;
  enum aead_id aead_id;
  enum signature_id signature_id;
};

static const struct row rows[] = {
    {1, 0x0020, 1, 1, HASH_SHA256, AEAD_AES128GCM, SIGNATURE_ED25519},
    {2, 0x0010, 1, 1, HASH_SHA256, AEAD_AES128GCM, SIGNATURE_P256},
    {3, 0x0020, 1, 3, HASH_SHA256, AEAD_CHACHA20POLY1305, SIGNATURE_ED25519},
    {4, 0x0021, 3, 2, HASH_SHA512, AEAD_AES256GCM, SIGNATURE_ED448},
    {5, 0x0012, 3, 2, HASH_SHA512, AEAD_AES256GCM, SIGNATURE_P521},
    {6, 0x0021, 3, 3, HASH_SHA512, AEAD_CHACHA20POLY1305, SIGNATURE_ED448},
    {7, 0x0011, 2, 2, HASH_SHA384, AEAD_AES256GCM, SIGNATURE_P384},
};

#define ROWS (sizeof rows / sizeof *rows)

static struct suite suites[ROWS];

static void fill_suites(void) {
  for (size_t i = 0; i < ROWS; i++) {
    const struct row *row = &rows[i];
    suites[i] = (struct suite){.id = row->id,
                               .hpke_kdf = row->kdf,
                               .hpke_aead = row->aead,
                               .hash = provider_hash(row->hash_id),
                               .aead = provider_aead(row->aead_id),
                               .kem = dhkem_find(row->kem),
                               .signature = provider_signature(row->signature_id),
                               .signature_id = row->signature_id};
  }
}

const struct suite *suite_find(uint16_t id) {
  static struct platform_once once = PLATFORM_ONCE_INITIALIZER;
  if (provider_hash(HASH_SHA256) == NULL)
    return NULL; /* before provider_init() nothing is picked */
  platform_once(&once, fill_suites);
  for (size_t i = 0; i < ROWS; i++) {
    const struct suite *suite = &suites[i];
    if (suite->id == id)
      return suite->hash != NULL && suite->kem != NULL && suite->aead != NULL &&
                     suite->signature != NULL
                 ? suite
                 : NULL;
  }
  return NULL;
}

enum err suite_use(uint16_t id, const struct suite **out) {
  enum err err;
  const struct suite *suite = suite_find(id);
  TRY(suite != NULL ? OK : ERR_UNSUPPORTED);
  TRY(suite->kem->prove(suite->kem));
  TRY(provider_try_signature(suite->signature_id));
  *out = suite;
done:
  return err;
}

uint16_t suite_id_at(size_t index) {
  return index < ROWS ? rows[index].id : 0;
}
