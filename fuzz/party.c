/* SPDX-License-Identifier: ISC */
#include "party.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[PEOPLE] = {"anna", "bert", "cleo", "dora"};

#define FRAMES_MAX 1024

/* Of every frame that was encrypted: who could have used its key, and which key and counter it was. */
static struct used {
  struct epoch_name epoch;
  uint64_t kid, counter;
} used[FRAMES_MAX];
static size_t used_count;

void party_begin(struct party *party, struct view input) {
  *party = (struct party){.input = input};
  used_count = 0;
  for (unsigned i = 0; i < PEOPLE; i++) {
    party->person[i].party = party;
    harness_require(e2ee_client_new(1, (const uint8_t *)names[i], 4, &party->person[i].client) ==
                            0 &&
                        e2ee_client_set(party->person[i].client, E2EE_SET_TIME, HARNESS_TIME) == 0,
                    "no client");
  }
}

void person_free_group(struct person *person) {
  e2ee_commit_free(person->commit);
  person->commit = NULL;
  for (unsigned i = 0; i < INCOMING; i++) {
    e2ee_incoming_free(person->incoming[i]);
    person->incoming[i] = NULL;
  }
  e2ee_group_free(person->group);
  person->group = NULL;
}

void person_free_media(struct person *person) {
  e2ee_sender_free(person->sender);
  e2ee_receiver_free(person->receiver);
  e2ee_media_free(person->media);
  person->sender = NULL;
  person->receiver = NULL;
  person->media = NULL;
}

void party_end(struct party *party) {
  for (unsigned i = 0; i < PEOPLE; i++) {
    struct person *person = &party->person[i];
    person_free_group(person);
    e2ee_group_free(person->other);
    person_free_media(person);
    e2ee_client_free(person->client);
  }
  for (unsigned i = 0; i < LETTERS; i++)
    free(party->letter[i].data);
}

uint8_t party_byte(struct party *party) {
  struct view taken = harness_take(&party->input, 1);
  return taken.size == 0 ? 0 : taken.data[0];
}

struct view party_block(struct party *party) {
  return harness_take(&party->input, party_byte(party));
}

struct letter *party_letter(struct party *party) {
  unsigned there = party->letters < LETTERS ? party->letters : LETTERS;
  unsigned back = party_byte(party); /* 0: the newest */
  return there == 0 ? &party->letter[0]
                    : &party->letter[(party->letters - 1 - back % there) % LETTERS];
}

void party_keep(struct party *party, const uint8_t *data, size_t size) {
  struct letter *letter = &party->letter[party->letters++ % LETTERS];
  free(letter->data);
  letter->data = malloc(size > 0 ? size : 1);
  harness_require(letter->data != NULL, "no memory");
  letter->size = size;
  if (size > 0)
    memcpy(letter->data, data, size);
}

void party_post(struct party *party, e2ee_bytes *bytes) {
  if (bytes != NULL)
    party_keep(party, e2ee_bytes_data(bytes), e2ee_bytes_size(bytes));
  e2ee_bytes_free(bytes);
}

bool party_fine(int result) {
  harness_require(result <= 1 && result > E2EE_ERR_NOMEM,
                  "a call failed by the library's own fault");
  harness_require(result != E2EE_ERR_BUSY, "a call overlaps with itself");
  return result == E2EE_OK;
}

bool party_install(struct person *person) {
  struct epoch_name name = {{0}};
  e2ee_group_status status;
  if (!party_fine(e2ee_media_install(person->media, person->group)))
    return false;
  party_fine(e2ee_group_get_status(person->group, &status, sizeof status));
  party_fine(e2ee_group_epoch_authenticator(person->group, name.authenticator,
                                            &(size_t){sizeof name.authenticator}));
  person->installed[status.epoch % 16] = name;
  return true;
}

void party_sent_frame(const struct person *person, const uint8_t *frame, size_t size,
                      bool partial) {
  struct used now = {{{0}}, 0, 0};
  e2ee_frame_info info;
  party_fine(partial ? e2ee_partial_peek(frame, size, &info, sizeof info)
                     : e2ee_frame_peek(frame, size, &info, sizeof info));
  now.epoch = person->installed[info.kid % 16];
  now.kid = info.kid;
  now.counter = info.counter;
  for (size_t i = 0; i < used_count; i++)
    harness_require(memcmp(&used[i], &now, sizeof now) != 0, "a key and counter came twice");
  if (used_count < FRAMES_MAX)
    used[used_count++] = now;
}

/* What two members of one epoch must have in common. */
struct shared {
  uint8_t authenticator[64];
  uint8_t tree[64];
  uint8_t secret[32];
};

static bool shared_of(const e2ee_group *group, struct shared *out) {
  size_t length = sizeof out->authenticator;
  *out = (struct shared){{0}, {0}, {0}};
  return group != NULL &&
         e2ee_group_epoch_authenticator(group, out->authenticator, &length) == E2EE_OK &&
         e2ee_group_export(group, "fuzz", 4, NULL, 0, out->secret, sizeof out->secret) == E2EE_OK;
}

void party_agrees(const struct party *party) {
  struct shared one, other;
  for (unsigned i = 0; i < PEOPLE; i++)
    for (unsigned j = i + 1; j < PEOPLE; j++) {
      if (!shared_of(party->person[i].group, &one) || !shared_of(party->person[j].group, &other) ||
          memcmp(one.authenticator, other.authenticator, sizeof one.authenticator) != 0)
        continue;
      harness_require(memcmp(one.secret, other.secret, sizeof one.secret) == 0,
                      "one epoch, two secrets");
    }
}
