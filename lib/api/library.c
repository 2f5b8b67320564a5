/* The library as a whole, and bytes.  SPDX-License-Identifier: ISC */
#include "api/handles.h"
#include "base/mem.h"
#include "crypto/provider.h"
#include "sframe/key.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

uint32_t e2ee_version_number(void) {
  return E2EE_VERSION_NUMBER;
}

const char *e2ee_version_string(void) {
  return TEXT(E2EE_VERSION_MAJOR) "." TEXT(E2EE_VERSION_MINOR) "." TEXT(E2EE_VERSION_PATCH);
}

int e2ee_init(void) {
  return provider_init();
}

const char *e2ee_strerror(int err) {
  static const struct {
    int err;
    const char *text;
  } texts[] = {
      {E2EE_OK, "success"},
      {E2EE_ERR_INVALID_ARG, "an argument is missing, out of range, or of the wrong length"},
      {E2EE_ERR_INVALID_STATE, "not allowed in the present state"},
      {E2EE_ERR_BUSY, "another thread is using this client"},
      {E2EE_ERR_BUFFER_TOO_SMALL, "the buffer is too small"},
      {E2EE_ERR_NOT_FOUND, "no such member, key package or part"},
      {E2EE_ERR_UNSUPPORTED, "a suite, version or type that this build does not support"},
      {E2EE_ERR_LIMIT, "over a limit"},
      {E2EE_ERR_OLD_EPOCH, "for an epoch that was left"},
      {E2EE_ERR_FUTURE_EPOCH, "for an epoch that has not been reached"},
      {E2EE_ERR_PENDING_COMMIT, "the own pending commit must be resolved first"},
      {E2EE_ERR_MISSING_PROPOSAL, "the commit names a proposal that was never received"},
      {E2EE_ERR_NO_KEY, "there is no key for this frame"},
      {E2EE_ERR_REPLAY, "seen before, or too old"},
      {E2EE_ERR_MALFORMED, "does not parse"},
      {E2EE_ERR_AUTH, "an authentication tag is wrong"},
      {E2EE_ERR_SIGNATURE, "a signature is wrong"},
      {E2EE_ERR_INVALID_PROPOSAL, "a proposal is not valid"},
      {E2EE_ERR_INVALID_COMMIT, "a commit is not valid"},
      {E2EE_ERR_INVALID_TREE, "a ratchet tree or leaf is not valid"},
      {E2EE_ERR_LIFETIME, "a key package or leaf is outside its lifetime"},
      {E2EE_ERR_STATE_KEY, "wrong state key, or the saved state was altered"},
      {E2EE_ERR_STATE_CORRUPT, "the saved state does not decode"},
      {E2EE_ERR_STATE_VERSION, "the saved state is of a newer version"},
      {E2EE_ERR_KEY_EXHAUSTED, "a key is used up: a new epoch is needed"},
      {E2EE_ERR_LEFT_BEHIND,
       "the group has gone on by a commit that this member gave up: join again"},
      {E2EE_ERR_NOMEM, "out of memory"},
      {E2EE_ERR_RANDOM, "the system's randomness is not available"},
      {E2EE_ERR_INTERNAL, "a bug in the library was detected"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (texts[i].err == err)
      return texts[i].text;
  return "unknown error";
}

int e2ee_supported(uint32_t kind, uint16_t id) {
  struct sframe_suite suite;
  if (provider_init() != OK)
    return 0;
  if (kind == E2EE_SUITE_MLS)
    return suite_find(id) != NULL;
  return kind == E2EE_SUITE_SFRAME && sframe_suite_find(id, &suite) == OK;
}

const uint8_t *e2ee_bytes_data(const e2ee_bytes *bytes) {
  return bytes == NULL ? NULL : bytes->bytes.data;
}

size_t e2ee_bytes_size(const e2ee_bytes *bytes) {
  return bytes == NULL ? 0 : bytes->bytes.size;
}

void e2ee_bytes_free(e2ee_bytes *bytes) {
  if (bytes == NULL)
    return;
  bytes_free(&bytes->bytes);
  mem_free(bytes);
}
