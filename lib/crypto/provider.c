/*
 * Which backend serves which algorithm.
 * SPDX-License-Identifier: ISC
 */
#include "crypto/provider.h"

#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "base/platform.h"
#include "base/sync.h"
#include "config.h"
#include "crypto/backend.h"
#include "crypto/selftest.h"

#if HAVE_OPENSSL
#define OPENSSL(table) &openssl_##table
#else
#define OPENSSL(table) NULL
#endif

#if HAVE_AES_X86
#define AES_X86(table) &table
#else
#define AES_X86(table) NULL
#endif

#if HAVE_AES_ARM
#define AES_ARM(table) &table
#else
#define AES_ARM(table) NULL
#endif

/* Best first; NULL where there is none. */
#define BACKENDS_MAX 6

static const struct hash *const hashes[HASH_COUNT][BACKENDS_MAX] = {
    [HASH_SHA256] = {OPENSSL(sha256), &sodium_sha256, &tomcrypt_sha256},
    [HASH_SHA384] = {OPENSSL(sha384), &tomcrypt_sha384},
    [HASH_SHA512] = {OPENSSL(sha512), &sodium_sha512, &tomcrypt_sha512},
};
static const struct aead *const aeads[AEAD_COUNT][BACKENDS_MAX] = {
    [AEAD_AES128GCM] = {AES_X86(vaes512_aes128gcm), AES_X86(vaes256_aes128gcm),
                        AES_X86(aesni_aes128gcm), AES_ARM(aesarm_aes128gcm), OPENSSL(aes128gcm),
                        &tomcrypt_aes128gcm},
    [AEAD_AES256GCM] = {AES_X86(vaes512_aes256gcm), AES_X86(vaes256_aes256gcm),
                        AES_X86(aesni_aes256gcm), AES_ARM(aesarm_aes256gcm), OPENSSL(aes256gcm),
                        &tomcrypt_aes256gcm},
    [AEAD_CHACHA20POLY1305] = {&sodium_chacha20poly1305, OPENSSL(chacha20poly1305)},
};
static const struct ctr *const counter_modes[CTR_COUNT][BACKENDS_MAX] = {
    [CTR_AES128] = {AES_X86(vaes512_aes128ctr), AES_X86(vaes256_aes128ctr),
                    AES_X86(aesni_aes128ctr), AES_ARM(aesarm_aes128ctr), OPENSSL(aes128ctr),
                    &tomcrypt_aes128ctr},
    [CTR_AES256] = {AES_X86(vaes512_aes256ctr), AES_X86(vaes256_aes256ctr),
                    AES_X86(aesni_aes256ctr), AES_ARM(aesarm_aes256ctr), OPENSSL(aes256ctr),
                    &tomcrypt_aes256ctr},
};
static const struct dh *const groups[DH_COUNT][BACKENDS_MAX] = {
    [DH_X25519] = {&sodium_x25519, OPENSSL(x25519)},
    [DH_P256] = {OPENSSL(p256), &tomcrypt_p256},
    [DH_P384] = {OPENSSL(p384), &tomcrypt_p384},
    [DH_P521] = {OPENSSL(p521), &tomcrypt_p521},
    [DH_X448] = {OPENSSL(x448)},
};
static const struct signature *const signatures[SIGNATURE_COUNT][BACKENDS_MAX] = {
    [SIGNATURE_ED25519] = {&sodium_ed25519, OPENSSL(ed25519)},
    [SIGNATURE_P256] = {OPENSSL(ecdsa_p256), &tomcrypt_ecdsa_p256},
    [SIGNATURE_P384] = {OPENSSL(ecdsa_p384), &tomcrypt_ecdsa_p384},
    [SIGNATURE_P521] = {OPENSSL(ecdsa_p521), &tomcrypt_ecdsa_p521},
    [SIGNATURE_ED448] = {OPENSSL(ed448)},
};

/* The index-th table of one algorithm that is available on this machine. */
#define AVAILABLE_AT(tables, index)                                                                \
  do {                                                                                             \
    size_t skip = (index);                                                                         \
    for (size_t i = 0; i < BACKENDS_MAX; i++)                                                      \
      if ((tables)[i] != NULL && (tables)[i]->available() && skip-- == 0)                          \
        return (tables)[i];                                                                        \
    return NULL;                                                                                   \
  } while (0)

const struct hash *provider_hash_at(enum hash_id id, size_t index) {
  AVAILABLE_AT(hashes[id], index);
}

const struct aead *provider_aead_at(enum aead_id id, size_t index) {
  AVAILABLE_AT(aeads[id], index);
}

const struct ctr *provider_ctr_at(enum ctr_id id, size_t index) {
  AVAILABLE_AT(counter_modes[id], index);
}

const struct dh *provider_dh_at(enum dh_id id, size_t index) {
  AVAILABLE_AT(groups[id], index);
}

const struct signature *provider_signature_at(enum signature_id id, size_t index) {
  AVAILABLE_AT(signatures[id], index);
}

static struct {
  const struct hash *hash[HASH_COUNT];
  const struct aead *aead[AEAD_COUNT];
  const struct ctr *ctr[CTR_COUNT];
  const struct dh *dh[DH_COUNT];
  const struct signature *signature[SIGNATURE_COUNT];
} picked;

const struct hash *provider_hash(enum hash_id id) {
  return picked.hash[id];
}

const struct aead *provider_aead(enum aead_id id) {
  return picked.aead[id];
}

const struct ctr *provider_ctr(enum ctr_id id) {
  return picked.ctr[id];
}

const struct dh *provider_dh(enum dh_id id) {
  return picked.dh[id];
}

const struct signature *provider_signature(enum signature_id id) {
  return picked.signature[id];
}

static void pick_all(void) {
  for (unsigned id = 0; id < HASH_COUNT; id++)
    picked.hash[id] = provider_hash_at((enum hash_id)id, 0);
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    picked.aead[id] = provider_aead_at((enum aead_id)id, 0);
  for (unsigned id = 0; id < CTR_COUNT; id++)
    picked.ctr[id] = provider_ctr_at((enum ctr_id)id, 0);
  for (unsigned id = 0; id < DH_COUNT; id++)
    picked.dh[id] = provider_dh_at((enum dh_id)id, 0);
  for (unsigned id = 0; id < SIGNATURE_COUNT; id++)
    picked.signature[id] = provider_signature_at((enum signature_id)id, 0);
}

/* What costs microseconds.  Curves may take a tenth of a second, and most are never used. */
static enum err test_picked(void) {
  enum err err = OK;
  for (unsigned id = 0; id < HASH_COUNT; id++)
    if (picked.hash[id] != NULL)
      TRY(selftest_hash((enum hash_id)id, picked.hash[id]));
  for (unsigned id = 0; id < AEAD_COUNT; id++)
    if (picked.aead[id] != NULL)
      TRY(selftest_aead((enum aead_id)id, picked.aead[id]));
  for (unsigned id = 0; id < CTR_COUNT; id++)
    if (picked.ctr[id] != NULL)
      TRY(selftest_ctr((enum ctr_id)id, picked.ctr[id]));
done:
  return err;
}

/* libsodium ends the process where there is no random source, so the system is asked first. */
static enum err init_once(void) {
  enum err err;
  if (!platform_has_random())
    return ERR_RANDOM;
  TRY(sodium_start());
  TRY(tomcrypt_start());
#if HAVE_OPENSSL
  TRY(openssl_start());
#endif
  pick_all();
  TRY(test_picked());
done:
  if (err != OK)
    memset(&picked, 0, sizeof picked);
  return err;
}

/* A mutex and not platform_once(): a failure for want of randomness or memory may pass. */
static struct lock lock = LOCK_INITIALIZER;

enum err provider_init(void) {
  static atomic_bool ready;
  if (atomic_load_explicit(&ready, memory_order_acquire))
    return OK;
  enum err err = OK;
  lock_take(&lock);
  if (!atomic_load_explicit(&ready, memory_order_relaxed))
    err = init_once();
  if (err == OK)
    atomic_store_explicit(&ready, true, memory_order_release);
  lock_leave(&lock);
  return err;
}

/* ---- Curves are tried when they are first used ---- */

enum trial { TRIAL_NONE, TRIAL_GOOD, TRIAL_BAD };

/* What a trial says for good; that there was no memory says nothing. */
static enum err judge(enum trial *trial, enum err tried) {
  if (tried == ERR_NOMEM)
    return tried;
  *trial = tried == OK ? TRIAL_GOOD : TRIAL_BAD;
  return tried;
}

static enum err known(enum trial trial) {
  return trial == TRIAL_GOOD ? OK : ERR_INTERNAL;
}

enum err provider_try_dh(enum dh_id id) {
  static enum trial trials[DH_COUNT];
  lock_take(&lock);
  enum err err = trials[id] == TRIAL_NONE ? judge(&trials[id], selftest_dh(id, picked.dh[id]))
                                          : known(trials[id]);
  lock_leave(&lock);
  return err;
}

enum err provider_try_signature(enum signature_id id) {
  static enum trial trials[SIGNATURE_COUNT];
  lock_take(&lock);
  enum err err = trials[id] == TRIAL_NONE
                     ? judge(&trials[id], selftest_signature(id, picked.signature[id]))
                     : known(trials[id]);
  lock_leave(&lock);
  return err;
}

/* Where there is no randomness yet, it waits; and a thread that waits could be cancelled. */
void provider_random(uint8_t *out, size_t size) {
  int before = platform_cancel_off();
  randombytes_buf(out, size);
  platform_cancel_back(before);
}

enum err provider_random_secret(struct secret *out, size_t size) {
  if (size > SECRET_MAX)
    return ERR_INTERNAL;
  secret_wipe(out);
  provider_random(out->bytes, size);
  out->size = (uint16_t)size;
  return OK;
}
