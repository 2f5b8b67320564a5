/*
 * One attendee of the simulated webinar: a real member of the group, or somebody who is about to be.
 * SPDX-License-Identifier: ISC
 */
#ifndef ATTENDEE_H
#define ATTENDEE_H

#include <e2ee/e2ee.h>
#include <e2ee/mls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Tell what is wrong, and end the program. */
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...);

/** End the program if a call failed, with the library's explanation.  @param client  may be NULL */
void must(const e2ee_client *client, const char *what, int err);

/** Zeroed memory; ends the program if there is none. */
void *allocate(size_t count, size_t size);

/** Processor time of this thread. */
uint64_t now_ns(void);

struct member {
  e2ee_client *client;
  e2ee_group *group;
  e2ee_media *media;    /**< Of speakers and phones. */
  e2ee_sender *sound;   /**< Of speakers. */
  e2ee_sender *picture; /**< Of the first one. */
  uint32_t leaf;
};

/** One commit, and what it changes. */
struct change {
  uint32_t kind;           /**< E2EE_CHANGE_ADD, _REMOVE, or 0: the committer renews its keys. */
  uint32_t leaf;           /**< That is removed. */
  e2ee_bytes *key_package; /**< Of who is added. */
  struct member *committer;
  e2ee_bytes *message;
  e2ee_bytes *welcome;
  uint64_t make_ns;
};

e2ee_client *client_new(uint32_t number);
e2ee_bytes *key_package_of(e2ee_client *client);

e2ee_group_status status_of(const struct member *member);

/** Join by a Welcome.  @return processor time, without that of a second thread */
uint64_t join(struct member *member, const e2ee_bytes *welcome);

/** End the program if two members are not in the same epoch with the same secrets. */
void check_same(const struct member *one, const struct member *other);

/** Make a commit, which takes effect at its committer. */
void change_make(struct change *change);
void change_free(struct change *change);

/** Process a commit as an app does: look at what it changes, then accept it. */
void follow(struct member *member, const struct change *change);

/** Save what has changed in the group; the tree too when that is due.  @return bytes */
size_t save(struct member *member);

/** Make the key store of a speaker or a phone. */
void begin_media(struct member *member);

void member_free(struct member *member);

#endif /* ATTENDEE_H */
