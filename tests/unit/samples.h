/*
 * A valid struct of each kind that travels, and each variant of it.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

#include "mls/wire/message.h"

#define SAMPLE_EXTENSIONS 8

/* What they are made of. */
extern const uint8_t sample_hash[32];
extern const uint8_t sample_extensions[SAMPLE_EXTENSIONS];
extern const struct psk_id sample_resumption_psk;

void sample_leaf(struct writer *writer, enum leaf_source source);
void sample_key_package(struct writer *writer);

/** The proposals one after another: index 0, 1, ...  @return false after the last */
bool sample_proposal(struct writer *writer, int index);

/** @param full  with every proposal by value, and a path; else with a reference */
void sample_commit(struct writer *writer, bool full);

/** @param full  with a path secret and PSKs */
void sample_group_secrets(struct writer *writer, bool full);

/* With the header of an MLSMessage. */
void sample_public_message(struct writer *writer, uint8_t sender, uint8_t content_type);
void sample_group_info(struct writer *writer);
void sample_welcome(struct writer *writer);

#endif
