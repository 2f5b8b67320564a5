/*
 * What the public handles are made of, and what every function of the API does first and last.
 *
 * A client with its groups, commits and incoming messages is one control domain: api_enter() sets
 * its flag, api_leave() clears it, and whoever comes in between gets E2EE_ERR_BUSY.
 * SPDX-License-Identifier: ISC
 */
#ifndef API_HANDLES_H
#define API_HANDLES_H

#include <e2ee/mls.h>

#include "base/sync.h"
#include "media/contexts.h"
#include "mls/group/commit.h"
#include "mls/group/join.h"
#include "mls/group/process.h"

struct e2ee_bytes {
  struct bytes bytes;
};

/** Owned by the application's handle and by every group and message of it. */
struct e2ee_client {
  struct refs refs;
  struct busy busy;
  bool dead; /* a bug was detected: nothing works any more */
  struct client *client;
};

/** Owned by the application's handle and by every commit and message of it. */
struct e2ee_group {
  struct refs refs;
  struct e2ee_client *client;
  struct group *group;
  struct contexts *contexts; /* that media streams have taken */
};

struct e2ee_commit {
  struct e2ee_group *group;
  uint64_t epoch; /* that its leaf numbers are of */
  struct commit_plan plan;
};

struct e2ee_incoming {
  struct e2ee_client *client;
  struct e2ee_group *group;      /* of a message; else NULL */
  struct incoming *message;      /* NULL for a Welcome, and what waits */
  struct opened_welcome welcome; /* epoch is NULL once joined */
  struct changes listed;         /* members in the Welcome; what waits */
  uint32_t kind;                 /* WELCOME or WAITING, where there is no message */
  uint64_t epoch;                /* likewise */
  struct leaf *own;              /* shared: the own leaf as the message finds it */
  uint32_t own_index;
};

/** The application's part of the media object; streams own parts of their own. */
struct e2ee_media {
  struct media *media;
};

/** For 0: AES_128_GCM_SHA256_128. */
#define API_SFRAME_SUITE 4

/* Lengths of identities, group ids, labels: more is a mistake, and never read. */
#define API_INPUT_MAX 65535

/** Enter a control domain.  The explanation of the last failure is forgotten.
 *  @return OK, ERR_BUSY, or ERR_INTERNAL of a dead client */
CHECKED enum err api_enter(const struct e2ee_client *client);

/** Leave it; every failure gets an explanation.  @return err */
int api_leave(const struct e2ee_client *client, enum err err);

/** Enter a commit's domain: ERR_OLD_EPOCH if it was started in another epoch, whose leaf numbers are
 *  not those of this one. */
CHECKED enum err api_enter_commit(const struct e2ee_commit *commit);

/** Open a Welcome, with the domain entered.  @param old  as in join_open_successor(); may be NULL */
CHECKED enum err api_open_welcome(struct e2ee_client *client, const struct group *old,
                                  struct view welcome, struct view tree,
                                  struct e2ee_incoming **out);

/** A handle for a client, which is moved in. */
CHECKED enum err api_client_new(struct client **client, struct e2ee_client **out);
struct e2ee_client *api_client_share(struct e2ee_client *client);
void api_client_drop(struct e2ee_client *client);
struct e2ee_group *api_group_share(struct e2ee_group *group);
void api_group_drop(struct e2ee_group *group);

/** A handle whose group is still NULL, so that nothing can fail once there is one. */
CHECKED enum err api_group_new(struct e2ee_client *client, struct e2ee_group **out);
/** Take it back, inside the control domain; accepts NULL. */
void api_group_undo(struct e2ee_group *group);

/* A call that answers with a new group enters with api_group_begin(), which makes the handle as well,
 * and leaves with api_group_end(), which hands it out or, after a failure, takes it back. */
CHECKED enum err api_group_begin(struct e2ee_client *client, struct e2ee_group **group);
int api_group_end(struct e2ee_client *client, enum err err, struct e2ee_group *group,
                  struct e2ee_group **out);

/** For media: the group behind a handle, with its control domain entered. */
CHECKED enum err api_group_enter(const struct e2ee_group *group, const struct group **out);
int api_group_leave(const struct e2ee_group *group, enum err err);

/** Whether a pointer and length name bytes: NULL goes with 0 alone. */
static inline bool api_given(const uint8_t *data, size_t size) {
  return data != NULL || size == 0;
}

/** Whether a type is one to use: 0 is reserved, and GREASE means nothing (RFC 9420, section 13.5). */
static inline bool api_type(uint16_t type) {
  return type != 0 && !type_is_grease(type);
}

/** Answer a getter: see "Lengths" in e2ee.h. */
CHECKED enum err api_put(struct view value, uint8_t *out, size_t *len);

/** Fill a struct of the caller's size, which may be another version's. */
void api_fill(void *out, size_t out_size, const void *from, size_t size);

/** An empty e2ee_bytes, made before what it will hold, so that nothing can fail afterwards. */
CHECKED enum err api_bytes_new(struct e2ee_bytes **out);

/* The same two for a call that answers with bytes. */
CHECKED enum err api_bytes_begin(const struct e2ee_client *client, struct e2ee_bytes **bytes);
int api_bytes_end(const struct e2ee_client *client, enum err err, struct e2ee_bytes *bytes,
                  struct e2ee_bytes **out);

#endif
