/*
 * The public API by a sequence of calls that the input spells, byte by byte: several clients, and
 * between them a server that keeps every message and hands any of them, changed or not, to anybody, at
 * any time and in any order.  Nothing may crash; no call may fail by a fault of the library; members of
 * one epoch share its secrets; and no frame key is used with one counter twice.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "calls.h"
#include "party.h"
#include "streams.h"

#define CALLS_MAX 96
#define TYPE 0xf123 /* of the application's own */

static const uint8_t state_key[32];
static struct party party;

static uint8_t next(void) {
  return party_byte(&party);
}

static struct view next_block(void) {
  return party_block(&party);
}

/* A leaf that may have a member, or not. */
static uint32_t next_leaf(void) {
  uint8_t byte = next();
  return byte == 255 ? UINT32_MAX : byte % (PEOPLE + 2);
}

/* ---- Clients and key packages ---- */

static void make_key_package(struct person *me) {
  e2ee_bytes *out = NULL;
  party_fine(next() % 4 == 0 ? e2ee_key_package_new_last_resort(me->client, &out)
                             : e2ee_key_package_new(me->client, &out));
  party_post(&party, out);
}

/* Any key package's reference, what there is of one's own, and one less. */
static void review_key_packages(struct person *me) {
  const struct letter *letter = party_letter(&party);
  uint32_t count = 0;
  uint8_t ref[64];
  e2ee_own_key_package own = {0};
  party_fine(e2ee_key_package_ref(letter->data, letter->size, ref, &(size_t){sizeof ref}));
  if (!party_fine(e2ee_client_key_packages(me->client, &count)))
    return;
  for (uint32_t i = 0; i <= count; i++)
    harness_require(party_fine(e2ee_client_key_package(me->client, i, &own, sizeof own)) ==
                        (i < count),
                    "key packages are miscounted");
  if (count > 0 && next() % 2 == 0)
    harness_require(e2ee_client_remove_key_package(me->client, own.ref, own.ref_len) == E2EE_OK,
                    "a key package cannot be removed");
}

static void set_client(struct person *me) {
  uint32_t setting = next() % 20;
  /* Not what makes an input run long, or ends it: time is for the server to bend. */
  static const uint64_t values[] = {0, 1, 2, 16, 64, 1000, 100000, UINT64_MAX};
  uint64_t value = values[next() % (sizeof values / sizeof values[0])];
  if (setting == E2EE_SET_TIME)
    value = HARNESS_TIME + (value % 100000) * 3600;
  party_fine(e2ee_client_set(me->client, setting, value));
}

static void equip_client(struct person *me) {
  struct view data = next_block();
  switch (next() % 6) {
  case 0:
    party_fine(e2ee_client_support(me->client, next() % 5, (uint16_t)(TYPE + next() % 2)));
    break;
  case 1:
    party_fine(e2ee_client_extension(me->client, next() % 5, (uint16_t)(TYPE + next() % 2),
                                     data.data, data.size));
    break;
  case 2:
    party_fine(e2ee_client_add_psk(me->client, (const uint8_t *)"psk", 3, data.data, data.size));
    break;
  case 3:
    party_fine(e2ee_client_remove_psk(me->client, (const uint8_t *)"psk", 3));
    break;
  case 4:
    party_fine(e2ee_client_require_path(me->client, (uint16_t)(TYPE + next() % 2)));
    break;
  default:
    (void)!e2ee_key_package_identity(data.data, data.size, NULL, &(size_t){0});
  }
}

static void save_client(struct person *me) {
  e2ee_bytes *out = NULL;
  party_fine(e2ee_client_save(me->client, state_key, sizeof state_key, &out));
  party_post(&party, out);
}

/* What was saved, or anything else, in the place of the client. */
static void load_client(struct person *me) {
  const struct letter *blob = party_letter(&party);
  e2ee_client *loaded = NULL;
  if (!party_fine(e2ee_client_load(state_key, sizeof state_key, blob->data, blob->size, &loaded)))
    return;
  person_free_group(me);
  e2ee_group_free(me->other);
  me->other = NULL;
  e2ee_client_free(me->client);
  me->client = loaded;
  party_fine(e2ee_client_set(me->client, E2EE_SET_TIME, HARNESS_TIME));
}

/* ---- Groups ---- */

static void found(struct person *me) {
  uint8_t id[2] = {'g', next() % 3};
  e2ee_group *group = NULL;
  if (party_fine(e2ee_group_new(me->client, id, sizeof id, &group))) {
    person_free_group(me);
    me->group = group;
  }
}

static void keep_incoming(struct person *me, e2ee_incoming *incoming) {
  unsigned place = next() % INCOMING;
  e2ee_incoming_free(me->incoming[place]);
  me->incoming[place] = incoming;
}

static void open_welcome(struct person *me) {
  const struct letter *welcome = party_letter(&party), *tree = party_letter(&party);
  bool beside = next() % 4 == 0, linked = next() % 8 == 0;
  const uint8_t *data = beside ? tree->data : NULL;
  size_t size = beside ? tree->size : 0;
  e2ee_incoming *incoming = NULL;
  if (party_fine(
          linked && me->group != NULL
              ? e2ee_welcome_open_successor(me->client, me->group, welcome->data, welcome->size,
                                            data, size, &incoming)
              : e2ee_welcome_open(me->client, welcome->data, welcome->size, data, size, &incoming)))
    keep_incoming(me, incoming);
}

static void join(struct person *me) {
  e2ee_group *group = NULL;
  e2ee_incoming *incoming = me->incoming[next() % INCOMING];
  if (incoming != NULL && party_fine(e2ee_incoming_join(incoming, &group))) {
    person_free_group(me);
    me->group = group;
  }
}

static void join_external(struct person *me) {
  const struct letter *info = party_letter(&party);
  e2ee_bytes *commit = NULL;
  e2ee_group *group = NULL;
  bool look = next() % 4 == 0;
  if (!party_fine(look ? e2ee_group_open(me->client, info->data, info->size, NULL, 0, &group)
                       : e2ee_group_join_external(me->client, info->data, info->size, NULL, 0,
                                                  &commit, &group)))
    return;
  party_post(&party, commit);
  person_free_group(me);
  me->group = group;
}

static void tell_group(struct person *me) {
  e2ee_bytes *out = NULL;
  if (me->group == NULL)
    return;
  party_fine(next() % 2 == 0 ? e2ee_group_info(me->group, &out)
                             : e2ee_group_ratchet_tree(me->group, &out));
  party_post(&party, out);
}

static void free_group(struct person *me) {
  person_free_group(me);
}

static void swap_groups(struct person *me) {
  e2ee_group *group = me->group;
  e2ee_commit_free(me->commit);
  me->commit = NULL;
  me->group = me->other;
  me->other = group;
}

/* Whatever can be read of a group. */
static void read_group(struct person *me) {
  uint8_t out[512];
  uint32_t leaf = UINT32_MAX;
  e2ee_group_status status;
  if (me->group == NULL)
    return;
  party_fine(e2ee_group_get_status(me->group, &status, sizeof status));
  while (e2ee_group_member_next(me->group, &leaf) == 1)
    for (uint32_t what = 0; what < 8; what++)
      party_fine(e2ee_group_member(me->group, leaf, what, out, &(size_t){sizeof out}));
  party_fine(e2ee_group_id(me->group, out, &(size_t){sizeof out}));
  party_fine(e2ee_group_extension(me->group, (uint16_t)(next() % 8), out, &(size_t){sizeof out}));
  party_fine(e2ee_group_safety_code(me->group, out, &(size_t){sizeof out}));
  party_fine(e2ee_group_reinit(me->group, NULL, out, &(size_t){sizeof out}));
  party_fine(e2ee_client_explain(me->client, out, &(size_t){sizeof out}));
}

static void save_group(struct person *me) {
  e2ee_bytes *out = NULL;
  if (me->group == NULL)
    return;
  switch (next() % 3) {
  case 0:
    party_fine(e2ee_group_save(me->group, state_key, sizeof state_key, &out));
    break;
  case 1:
    party_fine(e2ee_group_save_tree(me->group, state_key, sizeof state_key, &out));
    break;
  default:
    party_fine(e2ee_group_save_changes(me->group, state_key, sizeof state_key, &out));
  }
  party_post(&party, out);
}

static void load_group(struct person *me) {
  const struct letter *blob = party_letter(&party), *tree = party_letter(&party);
  bool split = next() % 2 == 0;
  e2ee_group *group = NULL;
  if (next() % 2 == 0)
    person_free_group(me);
  if (!party_fine(split
                      ? e2ee_group_load_changes(me->client, state_key, sizeof state_key, tree->data,
                                                tree->size, blob->data, blob->size, &group)
                      : e2ee_group_load(me->client, state_key, sizeof state_key, blob->data,
                                        blob->size, &group)))
    return;
  person_free_group(me);
  me->group = group;
}

static void go_on(struct person *me) {
  uint8_t id[2] = {'b', next() % 3};
  e2ee_group *group = NULL;
  if (me->group == NULL ||
      !party_fine(next() % 2 == 0 ? e2ee_group_successor(me->client, me->group, &group)
                                  : e2ee_group_branch(me->group, id, sizeof id, &group)))
    return;
  e2ee_group_free(me->other);
  me->other = group;
}

/* ---- Proposals and commits ---- */

static void propose(struct person *me) {
  e2ee_bytes *out = NULL;
  const struct letter *letter = party_letter(&party);
  struct view data = next_block();
  if (me->group == NULL)
    return;
  switch (next() % 8) {
  case 0:
    party_fine(e2ee_group_propose_add(me->group, letter->data, letter->size, &out));
    break;
  case 1:
    party_fine(e2ee_group_propose_remove(me->group, next_leaf(), &out));
    break;
  case 2:
    party_fine(e2ee_group_propose_update(me->group, &out));
    break;
  case 3:
    party_fine(e2ee_group_propose_leave(me->group, &out));
    break;
  case 4:
    party_fine(e2ee_group_propose_psk(me->group, (const uint8_t *)"psk", 3, &out));
    break;
  case 5:
    party_fine(e2ee_group_propose_extension(me->group, TYPE, data.data, data.size, &out));
    break;
  case 6:
    party_fine(e2ee_group_propose_reinit(me->group, (const uint8_t *)"next", 4, 1, &out));
    break;
  default:
    party_fine(e2ee_group_propose_custom(me->group, TYPE, data.data, data.size, &out));
  }
  party_post(&party, out);
}

static void propose_from_outside(struct person *me) {
  e2ee_bytes *out = NULL;
  const struct letter *letter = party_letter(&party);
  uint8_t id[2] = {'g', next() % 3};
  uint64_t epoch = next() % 16;
  switch (next() % 3) {
  case 0:
    party_fine(e2ee_external_propose_add(me->client, id, sizeof id, epoch, next() % 2, letter->data,
                                         letter->size, &out));
    break;
  case 1:
    party_fine(e2ee_external_propose_remove(me->client, id, sizeof id, epoch, next() % 2,
                                            next_leaf(), &out));
    break;
  default:
    party_fine(e2ee_new_member_propose(me->client, id, sizeof id, epoch, letter->data, letter->size,
                                       &out));
  }
  party_post(&party, out);
}

static void begin_commit(struct person *me) {
  if (me->group == NULL)
    return;
  e2ee_commit_free(me->commit);
  party_fine(e2ee_commit_new(me->group, &me->commit));
}

static void plan(struct person *me) {
  const struct letter *letter = party_letter(&party);
  struct view data = next_block();
  uint8_t key[32], which = next() % 9;
  size_t size = sizeof key;
  if (me->commit == NULL)
    return;
  switch (which) {
  case 0:
    party_fine(e2ee_commit_add(me->commit, letter->data, letter->size));
    break;
  case 1:
    party_fine(e2ee_commit_remove(me->commit, next_leaf()));
    break;
  case 2:
    party_fine(e2ee_commit_psk(me->commit, (const uint8_t *)"psk", 3));
    break;
  case 3:
    party_fine(e2ee_commit_resumption_psk(me->commit, next() % 16));
    break;
  case 4:
    party_fine(e2ee_commit_extension(me->commit, TYPE, data.data, data.size));
    break;
  case 5:
    party_fine(e2ee_commit_require(me->commit, next() % 4, TYPE));
    break;
  case 6:
    if (party_fine(e2ee_client_public_key(party.person[next() % PEOPLE].client, key, &size)))
      party_fine(e2ee_commit_external_sender(me->commit, key, size, 1, (const uint8_t *)"srv", 3));
    break;
  case 7:
    party_fine(e2ee_commit_reinit(me->commit, (const uint8_t *)"next", 4, 1));
    break;
  default:
    party_fine(e2ee_commit_custom(me->commit, TYPE, data.data, data.size));
  }
}

static void build(struct person *me) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  if (me->commit == NULL)
    return;
  party_fine(e2ee_commit_build(me->commit, &message, &welcome));
  party_post(&party, message);
  party_post(&party, welcome);
}

static void resolve(struct person *me) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  if (me->group == NULL)
    return;
  switch (next() % 4) {
  case 0:
    party_fine(e2ee_group_commit_discard(me->group));
    break;
  case 1:
    party_fine(e2ee_group_pending_commit(me->group, &message, &welcome));
    party_post(&party, message);
    party_post(&party, welcome);
    break;
  default:
    party_fine(e2ee_group_commit_accepted(me->group));
  }
}

/* ---- Messages ---- */

static void process(struct person *me) {
  const struct letter *letter = party_letter(&party);
  e2ee_incoming *incoming = NULL;
  e2ee_group_status before = {0}, after = {0};
  if (me->group == NULL)
    return;
  party_fine(e2ee_group_get_status(me->group, &before, sizeof before));
  if (party_fine(e2ee_group_process(me->group, letter->data, letter->size, &incoming))) {
    keep_incoming(me, incoming);
    return;
  }
  party_fine(e2ee_group_get_status(me->group, &after, sizeof after));
  harness_require(memcmp(&before, &after, sizeof before) == 0,
                  "a message that was refused left a trace");
}

/* Whatever can be read of one change, or of none where there is no such. */
static void read_change(const e2ee_incoming *incoming, uint32_t i) {
  uint8_t out[512];
  e2ee_change change;
  e2ee_proposal proposal;
  party_fine(e2ee_incoming_change(incoming, i, &change, sizeof change));
  party_fine(e2ee_incoming_change_proposal(incoming, i, &proposal, sizeof proposal));
  party_fine(e2ee_incoming_change_data(incoming, i, NULL, out, &(size_t){sizeof out}));
  party_fine(e2ee_incoming_change_extensions(incoming, i, out, &(size_t){sizeof out}));
  for (uint32_t what = 0; what < 8; what++)
    party_fine(e2ee_incoming_member(incoming, i, what, out, &(size_t){sizeof out}));
}

/* Whatever can be read of an incoming message. */
static void read_whole(const e2ee_incoming *incoming) {
  e2ee_incoming_status status;
  uint8_t out[512];
  party_fine(e2ee_incoming_get_status(incoming, &status, sizeof status));
  for (uint32_t i = 0; i <= status.changes && i < 16; i++)
    read_change(incoming, i);
  for (uint32_t what = 0; what < 8; what++)
    party_fine(e2ee_incoming_sender(incoming, what, out, &(size_t){sizeof out}));
  party_fine(e2ee_incoming_data(incoming, out, &(size_t){sizeof out}));
  party_fine(e2ee_incoming_authenticated_data(incoming, out, &(size_t){sizeof out}));
}

static void read_incoming(struct person *me) {
  const e2ee_incoming *incoming = me->incoming[next() % INCOMING];
  if (incoming != NULL)
    read_whole(incoming);
}

/* What waits to be committed: as many as the status says, and nothing to accept. */
static void read_proposals(struct person *me) {
  e2ee_incoming *waiting = NULL;
  e2ee_incoming_status listed;
  e2ee_group_status status;
  if (me->group == NULL || !party_fine(e2ee_group_proposals(me->group, &waiting)))
    return;
  party_fine(e2ee_group_get_status(me->group, &status, sizeof status));
  party_fine(e2ee_incoming_get_status(waiting, &listed, sizeof listed));
  harness_require(listed.changes == status.proposals, "proposals are miscounted");
  read_whole(waiting);
  harness_require(e2ee_incoming_accept(waiting) != E2EE_OK, "a list was accepted");
  e2ee_incoming_free(waiting);
}

static void accept(struct person *me) {
  e2ee_incoming *incoming = me->incoming[next() % INCOMING];
  if (incoming != NULL)
    party_fine(e2ee_incoming_accept(incoming));
}

static void encrypt(struct person *me) {
  struct view text = next_block();
  e2ee_bytes *out = NULL;
  if (me->group != NULL)
    party_fine(
        e2ee_group_encrypt_with(me->group, text.data, text.size / 2, text.data, text.size, &out));
  party_post(&party, out);
}

/* ---- The server ---- */

static void change_letter(struct person *me) {
  struct letter *letter = party_letter(&party);
  size_t at = (size_t)next() << 8 | next();
  uint8_t with = next();
  (void)me;
  if (letter->size == 0)
    return;
  if (with == 0) {
    party_keep(&party, letter->data, at % letter->size);
    return;
  }
  party_keep(&party, letter->data, letter->size);
  party.letter[(party.letters - 1) % LETTERS].data[at % letter->size] ^= with;
}

static void write_letter(struct person *me) {
  struct view block = harness_take_block(&party.input);
  (void)me;
  party_keep(&party, block.data, block.size);
}

static void (*const calls[CALL_COUNT])(struct person *) = {
    [MAKE_KEY_PACKAGE_CALL] = make_key_package,
    [SET_CLIENT_CALL] = set_client,
    [EQUIP_CLIENT_CALL] = equip_client,
    [SAVE_CLIENT_CALL] = save_client,
    [LOAD_CLIENT_CALL] = load_client,
    [FOUND_CALL] = found,
    [OPEN_WELCOME_CALL] = open_welcome,
    [JOIN_CALL] = join,
    [JOIN_EXTERNAL_CALL] = join_external,
    [TELL_GROUP_CALL] = tell_group,
    [FREE_GROUP_CALL] = free_group,
    [SWAP_GROUPS_CALL] = swap_groups,
    [READ_GROUP_CALL] = read_group,
    [SAVE_GROUP_CALL] = save_group,
    [LOAD_GROUP_CALL] = load_group,
    [GO_ON_CALL] = go_on,
    [PROPOSE_CALL] = propose,
    [BEGIN_COMMIT_CALL] = begin_commit,
    [PROPOSE_FROM_OUTSIDE_CALL] = propose_from_outside,
    [PLAN_CALL] = plan,
    [BUILD_CALL] = build,
    [RESOLVE_CALL] = resolve,
    [PROCESS_CALL] = process,
    [READ_INCOMING_CALL] = read_incoming,
    [ACCEPT_CALL] = accept,
    [ENCRYPT_CALL] = encrypt,
    [CHANGE_MEDIA_CALL] = change_media,
    [FOLLOW_MEDIA_CALL] = follow_media,
    [SEND_FRAME_CALL] = send_frame,
    [RECEIVE_FRAME_CALL] = receive_frame,
    [CHANGE_LETTER_CALL] = change_letter,
    [WRITE_LETTER_CALL] = write_letter,
    [REVIEW_KEY_PACKAGES_CALL] = review_key_packages,
    [READ_PROPOSALS_CALL] = read_proposals,
    [SHARE_KEY_CALL] = share_key,
    [READ_MEDIA_CALL] = read_media,
    [LOOK_AT_FRAME_CALL] = look_at_frame,
};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  harness_start();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  harness_restart();
  party_begin(&party, view_of(data, size));
  for (unsigned i = 0; i < CALLS_MAX && party.input.size > 0; i++) {
    struct person *me = &party.person[next() % PEOPLE];
    calls[next() % CALL_COUNT](me);
    party_agrees(&party);
  }
  party_end(&party);
  return 0;
}
