/*
 * What tomcrypt_ec.c offers to tomcrypt.c.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_TOMCRYPT_H
#define CRYPTO_TOMCRYPT_H

#include "base/err.h"

/** Choose the arithmetic and set up the curves.  @return OK or ERR_NOMEM */
CHECKED enum err tomcrypt_ec_start(void);

#endif
