/* SPDX-License-Identifier: ISC */
#include "commits.h"

#include <string.h>

#include "check.h"
#include "delivery.h"
#include "saved.h"

/* What a seat knows of its room. */
static const struct record *seen(const struct room *room, int person) {
  return &room->records[seat_epoch(&room->seats[person])];
}

int pick_outsider(struct world *world, const struct record *record, struct dice *dice) {
  int chosen = NOBODY;
  uint32_t count = 0;
  for (int i = 0; i < (int)world->person_count; i++)
    if (record_leaf(record, i) == LEAF_NONE && dice_once_in(dice, ++count))
      chosen = i;
  return chosen;
}

/* A member other than one; LEAF_NONE if there is none. */
static uint32_t pick_leaf(const struct record *record, uint32_t but, struct dice *dice) {
  uint32_t chosen = LEAF_NONE, count = 0;
  for (uint32_t leaf = tree_next_member(record->tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(record->tree, leaf + 1))
    if (leaf != but && dice_once_in(dice, ++count))
      chosen = leaf;
  return chosen;
}

/* ---- Commits ---- */

/* A commit being put together. */
struct draft {
  struct world *world;
  struct room *room;
  struct seat *seat;
  int person;
  const struct record *record; /* of the epoch it is made in */
  e2ee_commit *commit;
  uint64_t psk_epoch;
  uint64_t touched[2]; /* leaves removed, persons added: sets */
  uint32_t psks;       /* set */
  bool rare;           /* the group will demand the rare types */
  bool refused;        /* it cannot be built */
};

static void put_add(struct draft *draft, int person, e2ee_bytes *key_package) {
  const struct person *who = &draft->world->persons[person];
  draft->touched[1] |= UINT64_C(1) << person;
  MUST(draft->seat->group->client, e2ee_commit_add(draft->commit, BYTES(key_package)));
  e2ee_bytes_free(key_package);
  if (draft->rare && (who->traits & TRAIT_RARE) == 0)
    draft->refused = true;
}

/* Half of those who have lost their group come back by Remove and Add in one commit. */
static void put_remove(struct draft *draft, struct dice *dice) {
  uint32_t leaf = pick_leaf(draft->record, record_leaf(draft->record, draft->person), dice);
  if (leaf == LEAF_NONE || (draft->touched[0] >> leaf & 1) != 0)
    return;
  int person = record_person(draft->record, leaf);
  draft->touched[0] |= UINT64_C(1) << leaf;
  MUST(draft->seat->group->client, e2ee_commit_remove(draft->commit, leaf));
  if (draft->room->seats[person].group == NULL && dice_once_in(dice, 2))
    put_add(draft, person, fresh_key_package(draft->world, person, draft->room->suite));
}

static void put_psk(struct draft *draft, struct dice *dice) {
  struct world *world = draft->world;
  e2ee_client *client = draft->seat->group->client;
  uint32_t psk = dice_pick(dice, world->psk_count + 1);
  if (psk == PSKS_MAX_KNOWN || (draft->psks >> psk & 1) != 0)
    return;
  draft->psks |= 1u << psk;
  if (psk == world->psk_count)
    world->psk_count++;
  uint8_t id[4] = {'p', 's', 'k', (uint8_t)psk};
  if ((account_of(world, draft->room, draft->person)->psks >> psk & 1) == 0) {
    RETURNS(client, e2ee_commit_psk(draft->commit, id, sizeof id), E2EE_ERR_NOT_FOUND);
    person_add_psk(world, draft->person, draft->room->suite, psk);
  }
  MUST(client, e2ee_commit_psk(draft->commit, id, sizeof id));
}

/* That a client keeps by default. */
#define RESUMPTION_EPOCHS 64

static void put_resumption(struct draft *draft, struct dice *dice) {
  uint64_t now = seat_epoch(draft->seat), first = draft->seat->memory.joined;
  if (now - first > RESUMPTION_EPOCHS)
    first = now - RESUMPTION_EPOCHS;
  uint64_t epoch = first + dice_pick(dice, now - first + 1);
  MUST(draft->seat->group->client, e2ee_commit_resumption_psk(draft->commit, epoch));
  draft->psk_epoch = epoch;
}

/* The group begins to demand, or carry, what only some support. */
static void put_rare(struct draft *draft, struct dice *dice) {
  const e2ee_client *client = draft->seat->group->client;
  static const uint8_t data[] = {1, 2, 3};
  if (draft->seat->group->group->proposals.count > 0)
    return; /* a Remove among them may decide whether all support it */
  if (dice_once_in(dice, 2))
    MUST(client, e2ee_commit_extension(draft->commit, EXTENSION_RARE, data, sizeof data));
  else
    MUST(client, e2ee_commit_require(draft->commit, E2EE_TYPE_PROPOSAL, CUSTOM_RARE));
  draft->rare = true;
  /* Members who are removed by the same commit need not support it. */
  for (uint32_t leaf = tree_next_member(draft->record->tree, 0); leaf != LEAF_NONE;
       leaf = tree_next_member(draft->record->tree, leaf + 1))
    if ((draft->touched[0] >> leaf & 1) == 0 &&
        (draft->world->persons[record_person(draft->record, leaf)].traits & TRAIT_RARE) == 0)
      draft->refused = true;
}

static struct view server_key(struct world *world, uint16_t suite) {
  return bytes_view(&server_client(world, suite)->client->signature_public);
}

static void put_extensions(struct draft *draft, struct dice *dice) {
  const e2ee_client *client = draft->seat->group->client;
  uint8_t data[3] = {(uint8_t)dice_roll(dice), 2, 3};
  switch (dice_pick(dice, 5)) {
  case 0:
    MUST(client, e2ee_commit_extension(draft->commit, EXTENSION_COMMON, data, sizeof data));
    break;
  case 1: /* nothing is demanded any more */
    MUST(client, e2ee_commit_extension(draft->commit, EXTENSION_RARE, NULL, 0));
    MUST(client, e2ee_commit_extension(draft->commit, EXTENSION_REQUIRED_CAPABILITIES, NULL, 0));
    draft->rare = false;
    break;
  case 2:
    put_rare(draft, dice);
    break;
  case 3:
    MUST(client, e2ee_commit_require(draft->commit, E2EE_TYPE_EXTENSION, EXTENSION_COMMON));
    break;
  default: {
    struct view key = server_key(draft->world, draft->room->suite);
    if (record_sender(draft->record, key) == UINT32_MAX)
      MUST(client,
           e2ee_commit_external_sender(draft->commit, key.data, key.size, E2EE_CREDENTIAL_BASIC,
                                       (const uint8_t *)"server", 6));
  }
  }
}

static void put_custom(struct draft *draft, struct dice *dice) {
  const e2ee_client *client = draft->seat->group->client;
  uint8_t data[2] = {(uint8_t)dice_roll(dice), 0};
  bool rare = dice_once_in(dice, 2);
  bool allowed = !rare || record_supports_rare(draft->world, draft->record);
  RETURNS(client,
          e2ee_commit_custom(draft->commit, rare ? CUSTOM_RARE : CUSTOM_COMMON, data, sizeof data),
          allowed ? E2EE_OK : E2EE_ERR_INVALID_PROPOSAL);
}

static void put_contents(struct draft *draft, unsigned content, struct dice *dice) {
  if ((content & CONTENT_REMOVES) != 0)
    for (uint32_t count = 1 + dice_pick(dice, 2); count > 0; count--)
      put_remove(draft, dice);
  if ((content & CONTENT_EXTENSIONS) != 0)
    put_extensions(draft, dice);
  if ((content & CONTENT_ADDS) != 0)
    for (uint32_t count = 1 + dice_pick(dice, 5); count > 0; count--) {
      int person = pick_outsider(draft->world, draft->record, dice);
      if (person != NOBODY && (draft->touched[1] >> person & 1) == 0)
        put_add(draft, person, key_package_of(draft->world, person, draft->room->suite));
    }
  if ((content & CONTENT_CUSTOM) != 0)
    put_custom(draft, dice);
  if ((content & CONTENT_PSKS) != 0)
    for (uint32_t count = 1 + dice_pick(dice, 3); count > 0; count--)
      put_psk(draft, dice);
  if ((content & CONTENT_PSKS) != 0 && dice_once_in(dice, 4))
    put_resumption(draft, dice);
}

/* Whoever is to go, by a proposal that waits, goes with the commit. */
static void check_removed(const struct group *group, bool external) {
  for (size_t i = 0; i < group->proposals.count; i++) {
    const struct stored_proposal *stored = &group->proposals.item[i];
    uint16_t type = stored->proposal.type;
    uint32_t leaf =
        type == PROPOSAL_SELF_REMOVE ? stored->sender.index : stored->proposal.body.remove;
    if (type != PROPOSAL_SELF_REMOVE && (type != PROPOSAL_REMOVE || external))
      continue;
    const struct leaf *before = tree_leaf(group->epoch->tree, leaf);
    const struct leaf *after = tree_leaf(group->pending->next->tree, leaf);
    EXPECT(leaf == group->epoch->own_leaf || after == NULL ||
               !view_equal(leaf_raw(before), leaf_raw(after)),
           "leaf %u, whose removal waits, is not removed", leaf);
  }
}

/* Build what was put together, and send it. */
static void send_commit(struct draft *draft, bool external, struct dice *dice) {
  struct seat *seat = draft->seat;
  e2ee_client *client = seat->group->client;
  struct entry entry = {.from = draft->person,
                        .epoch = seat->group->group->epoch->context.epoch,
                        .commit = true,
                        .external = external,
                        .psk_epoch = draft->psk_epoch};
  MUST(client, e2ee_commit_build(draft->commit, &entry.message, &entry.welcome));
  check_removed(seat->group->group, external);
  if (!external && dice_once_in(dice, 16)) { /* crashed before it was saved: it never was */
    entry_free(&entry);
    e2ee_commit_free(draft->commit);
    draft->commit = NULL;
    person_crash(draft->world, draft->person);
    return;
  }
  room_launch(draft->room, draft->person, &entry);
}

static void refuse_commit(struct draft *draft) {
  e2ee_bytes *message = NULL, *welcome = NULL;
  struct facts before, after;
  facts_of(draft->seat, &before);
  struct bytes content = seat_content(draft->seat);
  int err = e2ee_commit_build(draft->commit, &message, &welcome);
  EXPECT(err == E2EE_ERR_INVALID_PROPOSAL || err == E2EE_ERR_INVALID_TREE,
         "a commit for members who do not support the group's types gives %d", err);
  struct bytes again = seat_content(draft->seat);
  facts_of(draft->seat, &after);
  EXPECT(view_equal(bytes_view(&content), bytes_view(&again)) &&
             memcmp(&before, &after, sizeof before) == 0,
         "a commit that was refused changed something");
  bytes_free(&content);
  bytes_free(&again);
  draft->world->tally.refusals++;
}

void seat_commit(struct world *world, struct room *room, int person, unsigned content,
                 struct dice *dice) {
  struct draft draft = {.world = world,
                        .room = room,
                        .seat = &room->seats[person],
                        .person = person,
                        .record = seen(room, person),
                        .psk_epoch = EPOCH_NONE};
  if (room->flight_count == FLIGHTS_MAX)
    return;
  draft.rare = record_is_rare(draft.record);
  MUST(draft.seat->group->client, e2ee_commit_new(draft.seat->group, &draft.commit));
  put_contents(&draft, content, dice);
  if (draft.refused)
    refuse_commit(&draft);
  else
    send_commit(&draft, false, dice);
  e2ee_commit_free(draft.commit);
}

/* ---- Proposals ---- */

static void post_proposal(struct room *room, int person, uint64_t epoch, bool leave,
                          e2ee_bytes *message) {
  struct entry entry = {
      .from = person, .epoch = epoch, .leave = leave, .message = message, .psk_epoch = EPOCH_NONE};
  if (message == NULL)
    return;
  if (person != NOBODY)
    seat_save(&room->seats[person]);
  /* Behind a commit it is too late: it is not handed out any more than another's late message. */
  (void)room_add_entry(room, &entry);
}

static e2ee_bytes *propose_rare(struct world *world, struct room *room, int person, bool custom,
                                struct dice *dice) {
  struct seat *seat = &room->seats[person];
  const e2ee_client *client = seat->group->client;
  e2ee_bytes *message = NULL;
  uint8_t data[2] = {(uint8_t)dice_roll(dice), 7};
  bool rare = dice_once_in(dice, 2);
  if (custom) {
    bool allowed = !rare || record_supports_rare(world, seen(room, person));
    RETURNS(client,
            e2ee_group_propose_custom(seat->group, rare ? CUSTOM_RARE : CUSTOM_COMMON, data,
                                      sizeof data, &message),
            allowed ? E2EE_OK : E2EE_ERR_INVALID_PROPOSAL);
  } else {
    MUST(client, e2ee_group_propose_extension(seat->group, rare ? EXTENSION_RARE : EXTENSION_COMMON,
                                              data, sizeof data, &message));
  }
  return message;
}

static e2ee_bytes *propose_psk(struct world *world, struct room *room, int person,
                               struct dice *dice) {
  struct seat *seat = &room->seats[person];
  e2ee_bytes *message = NULL;
  uint32_t psk = dice_pick(dice, world->psk_count);
  if (world->psk_count == 0)
    return NULL;
  uint8_t id[4] = {'p', 's', 'k', (uint8_t)psk};
  bool known = (account_of(world, room, person)->psks >> psk & 1) != 0;
  RETURNS(seat->group->client, e2ee_group_propose_psk(seat->group, id, sizeof id, &message),
          known ? E2EE_OK : E2EE_ERR_NOT_FOUND);
  return message;
}

static e2ee_bytes *propose_add(struct world *world, struct room *room, int person,
                               struct dice *dice) {
  struct seat *seat = &room->seats[person];
  e2ee_bytes *message = NULL;
  int outsider = pick_outsider(world, seen(room, person), dice);
  if (outsider == NOBODY)
    return NULL;
  e2ee_bytes *key_package = key_package_of(world, outsider, room->suite);
  MUST(seat->group->client, e2ee_group_propose_add(seat->group, BYTES(key_package), &message));
  e2ee_bytes_free(key_package);
  return message;
}

void seat_propose(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  const e2ee_client *client = seat->group->client;
  uint64_t epoch = seat_epoch(seat);
  e2ee_bytes *message = NULL;
  switch (dice_pick(dice, 6)) {
  case 0:
    message = propose_add(world, room, person, dice);
    break;
  case 1: {
    uint32_t leaf = pick_leaf(seen(room, person), LEAF_NONE, dice);
    MUST(client, e2ee_group_propose_remove(seat->group, leaf, &message));
    break;
  }
  case 2:
    message = propose_psk(world, room, person, dice);
    break;
  case 3:
    message = propose_rare(world, room, person, dice_once_in(dice, 2), dice);
    break;
  default:
    MUST(client, e2ee_group_propose_update(seat->group, &message));
  }
  post_proposal(room, person, epoch, false, message);
}

void seat_leave(struct room *room, int person) {
  struct seat *seat = &room->seats[person];
  e2ee_bytes *message = NULL;
  MUST(seat->group->client, e2ee_group_propose_leave(seat->group, &message));
  post_proposal(room, person, seat_epoch(seat), true, message);
}

void outside_propose(struct world *world, struct room *room, struct dice *dice) {
  const struct record *record = &room->records[room->epoch];
  e2ee_client *server = server_client(world, room->suite);
  e2ee_bytes *message = NULL, *key_package = NULL;
  int outsider = pick_outsider(world, record, dice);
  size_t size = strlen((const char *)room->id);
  uint32_t kind = dice_pick(dice, 3);
  uint32_t sender = record_sender(record, server_key(world, room->suite));
  if (outsider != NOBODY)
    key_package = key_package_of(world, outsider, room->suite);
  if (kind == 0 && outsider != NOBODY) {
    e2ee_client *client = person_client(world, outsider, room->suite);
    MUST(client, e2ee_new_member_propose(client, room->id, size, room->epoch, BYTES(key_package),
                                         &message));
  } else if (kind == 1 && outsider != NOBODY && sender != UINT32_MAX) {
    MUST(server, e2ee_external_propose_add(server, room->id, size, room->epoch, sender,
                                           BYTES(key_package), &message));
  } else if (kind == 2 && sender != UINT32_MAX) {
    uint32_t leaf = pick_leaf(record, LEAF_NONE, dice);
    MUST(server,
         e2ee_external_propose_remove(server, room->id, size, room->epoch, sender, leaf, &message));
  }
  e2ee_bytes_free(key_package);
  post_proposal(room, NOBODY, room->epoch, false, message);
}

/* ---- External commits ---- */

static void open_group(struct world *world, struct room *room, int giver, struct seat *seat,
                       e2ee_client *client) {
  const struct seat *from = &room->seats[giver];
  e2ee_bytes *info = NULL;
  struct writer tree = {0};
  MUST(from->group->client, e2ee_group_info(from->group, &info));
  if ((world->persons[giver].traits & TRAIT_BESIDE) != 0)
    tree_write(&tree, seen(room, giver)->tree);
  MUST(client, e2ee_group_open(client, BYTES(info), tree.data, tree.size, &seat->group));
  writer_free(&tree);
  e2ee_bytes_free(info);
}

/* Those who asked to leave: their proposals are the only ones that can be given to an outsider. */
static void give_proposals(struct world *world, struct room *room, struct seat *seat,
                           uint64_t epoch) {
  e2ee_client *client = seat->group->client;
  for (size_t i = 0; i < room->log_count; i++) {
    const struct entry *entry = &room->log[i];
    e2ee_incoming *incoming = NULL;
    if (entry->epoch != epoch)
      continue;
    if (!entry->leave) {
      expect_refused(world, seat, BYTES(entry->message), E2EE_ERR_INVALID_STATE);
      continue;
    }
    MUST(client, e2ee_group_process(seat->group, BYTES(entry->message), &incoming));
    MUST(client, e2ee_incoming_accept(incoming));
    e2ee_incoming_free(incoming);
  }
}

void join_from_outside(struct world *world, struct room *room, int person, struct dice *dice) {
  struct seat *seat = &room->seats[person];
  e2ee_client *client = account_of(world, room, person)->client;
  int giver = pick_seat(dice, room, world->person_count,
                        dice_once_in(dice, 8) ? fits_member : fits_current);
  if (giver == NOBODY || room->flight_count == FLIGHTS_MAX)
    return;
  seat_lose(seat);
  open_group(world, room, giver, seat, client);
  struct draft draft = {.world = world,
                        .room = room,
                        .seat = seat,
                        .person = person,
                        .record = seen(room, giver),
                        .psk_epoch = EPOCH_NONE};
  uint32_t former = record_leaf(draft.record, person);
  bool unfit = record_is_rare(draft.record) && (world->persons[person].traits & TRAIT_RARE) == 0;
  give_proposals(world, room, seat, seat_epoch(&room->seats[giver]));
  MUST(client, e2ee_commit_new(seat->group, &draft.commit));
  if (former != LEAF_NONE && !dice_once_in(dice, 8)) {
    MUST(client, e2ee_commit_remove(draft.commit, former));
    former = LEAF_NONE;
  }
  if (dice_once_in(dice, 4))
    put_psk(&draft, dice);
  if (former != LEAF_NONE || unfit) { /* a key twice, or what the group demands is missing */
    e2ee_bytes *message = NULL, *welcome = NULL;
    int err = e2ee_commit_build(draft.commit, &message, &welcome);
    EXPECT(err != E2EE_OK && err != E2EE_ERR_INTERNAL, "an external commit that nobody can take");
    seat_lose(seat);
  } else {
    send_commit(&draft, true, dice);
  }
  e2ee_commit_free(draft.commit);
}
