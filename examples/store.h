/*
 * All that a participant must not forget, in one sealed file.
 * SPDX-License-Identifier: ISC
 */
#ifndef STORE_H
#define STORE_H

#include "wire.h"

#include <e2ee/e2ee.h>

enum { STORE_NOTE = 512 };

struct store {
  char path[4096];
  uint8_t key[32]; /**< Seals the file. */
};

/** What is in it. */
struct memory {
  e2ee_client *client;
  e2ee_group *group;     /**< NULL if there is none. */
  char note[STORE_NOTE]; /**< Text that goes with a pending commit. */
};

/** Name the file in a folder, and read its key, or draw one. */
bool store_open(struct store *store, const char *folder);

/** Write everything: after a crash at any moment the file holds either the old or the new. */
bool store_save(const struct store *store, const struct memory *memory);

/** Read everything back.  @return 1, 0 if nothing was ever saved, or an E2EE_ERR_* */
int store_load(const struct store *store, struct memory *out);

#endif /* STORE_H */
