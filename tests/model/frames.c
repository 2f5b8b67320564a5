/* SPDX-License-Identifier: ISC */
#include "frames.h"

#include <string.h>

#include "check.h"

#define METADATA (const uint8_t *)"metadata", 8
#define EPOCHS 16

void streams_free(struct streams *streams) {
  e2ee_sender_free(streams->sender);
  e2ee_receiver_free(streams->receiver);
  e2ee_media_free(streams->media);
  *streams = (struct streams){.active = EPOCH_NONE};
}

static bool is_installed(const struct streams *streams, uint64_t epoch) {
  return streams->media != NULL && streams->installed[epoch % EPOCHS] == epoch + 1;
}

static void streams_new(struct world *world, const struct seat *seat, struct streams *streams) {
  const e2ee_client *client = seat->group->client;
  *streams = (struct streams){.active = EPOCH_NONE, .id = ++world->streams_number};
  MUST(client, e2ee_media_new(0, &streams->media));
  MUST(client, e2ee_sender_new(streams->media, &streams->sender));
  MUST(client, e2ee_receiver_new(streams->media, &streams->receiver));
}

void streams_retire(struct seat *seat, uint64_t epoch) {
  struct streams *streams = &seat->streams;
  MUST(seat->group->client, e2ee_media_retire(streams->media, epoch));
  for (size_t i = 0; i < EPOCHS; i++)
    if (streams->installed[i] <= epoch)
      streams->installed[i] = 0;
  if (streams->active < epoch)
    streams->active = EPOCH_NONE;
}

void streams_activate(struct seat *seat) {
  struct streams *streams = &seat->streams;
  uint64_t epoch = seat->group->group->epoch->context.epoch;
  MUST(seat->group->client, e2ee_media_activate(streams->media, epoch));
  streams->active = epoch;
}

void streams_enter(struct world *world, struct room *room, int person) {
  struct seat *seat = &room->seats[person];
  struct streams *streams = &seat->streams;
  unsigned traits = world->persons[person].traits;
  uint64_t epoch = seat->group->group->epoch->context.epoch;
  if (streams->media == NULL)
    streams_new(world, seat, streams);
  MUST(seat->group->client, e2ee_media_install(streams->media, seat->group));
  MUST(seat->group->client, e2ee_media_install(streams->media, seat->group));
  /* The sender is left without a key where its epoch had the same low bits. */
  if (streams->active != EPOCH_NONE && streams->active != epoch &&
      streams->active % EPOCHS == epoch % EPOCHS)
    streams->active = EPOCH_NONE;
  streams->installed[epoch % EPOCHS] = epoch + 1;
  if ((traits & TRAIT_EAGER) != 0)
    streams_activate(seat);
  if ((traits & TRAIT_TIDY) != 0 && epoch >= 2)
    streams_retire(seat, epoch - 2);
}

/* ---- Frames ---- */

static void expect_heard(struct seat *seat, int to, struct late_frame *frame) {
  struct streams *streams = &seat->streams;
  const e2ee_client *client = seat->group->client;
  uint8_t plain[sizeof frame->data], name[8];
  size_t size = 0, name_size = sizeof name;
  e2ee_frame_info info;
  MUST(client, e2ee_receiver_decrypt(streams->receiver, METADATA, frame->data, frame->size, plain,
                                     sizeof plain, &size, &info, sizeof info));
  EXPECT(size == sizeof frame->from && memcmp(plain, &frame->from, size) == 0 &&
             info.leaf == frame->leaf && info.epoch == frame->epoch,
         "person %d decrypts another frame than person %d sent", to, frame->from);
  MUST(client, e2ee_media_member(streams->media, info.epoch, info.leaf, E2EE_MEMBER_IDENTITY, name,
                                 &name_size));
  EXPECT(name_size == 3 && (name[1] - '0') * 10 + name[2] - '0' == frame->from,
         "a frame of person %d seems to be another's", frame->from);
  frame->heard[to] = streams->id;
}

/* Give a frame to a seat that has the keys, or has not. */
static void hear(struct world *world, struct room *room, int to, struct late_frame *frame) {
  struct seat *seat = &room->seats[to];
  struct streams *streams = &seat->streams;
  uint8_t plain[sizeof frame->data];
  size_t size = 0;
  if (streams->media == NULL)
    return;
  bool own = to == frame->from && frame->epoch >= seat->memory.joined;
  if (!own && is_installed(streams, frame->epoch) && frame->heard[to] != streams->id) {
    expect_heard(seat, to, frame);
    world->tally.frames++;
    return;
  }
  int err = e2ee_receiver_decrypt(streams->receiver, METADATA, frame->data, frame->size, plain,
                                  sizeof plain, &size, NULL, 0);
  if (own)
    EXPECT(err == E2EE_ERR_NO_KEY || err == E2EE_ERR_AUTH, "the own frame gives %d", err);
  else if (is_installed(streams, frame->epoch))
    EXPECT(err == E2EE_ERR_REPLAY, "a frame that comes twice gives %d", err);
  else /* another epoch may have the same low bits */
    EXPECT(err == E2EE_ERR_NO_KEY || err == E2EE_ERR_AUTH || err == E2EE_ERR_REPLAY,
           "person %d gets %d for a frame it has no key for", to, err);
}

void frames_send(struct world *world, struct room *room, int from) {
  struct seat *seat = &room->seats[from];
  struct streams *streams = &seat->streams;
  const e2ee_client *client = seat->group->client;
  struct late_frame frame = {.from = from, .epoch = streams->active};
  int err = e2ee_sender_encrypt(streams->sender, METADATA, (const uint8_t *)&from, sizeof from,
                                frame.data, sizeof frame.data, &frame.size);
  if (streams->active == EPOCH_NONE) {
    EXPECT(err == E2EE_ERR_NO_KEY, "a frame without an active epoch gives %d", err);
    return;
  }
  MUST(client, err);
  frame.leaf = record_leaf(&room->records[frame.epoch], from);
  if (room->late_count == LATE_FRAMES)
    memmove(room->late, room->late + 1, --room->late_count * sizeof frame);
  struct late_frame *kept = &room->late[room->late_count++];
  *kept = frame;
  for (int to = 0; to < (int)world->person_count; to++)
    if (to % 3 != (int)(streams->id % 3)) /* the others get it late, or never */
      hear(world, room, to, kept);
}

void frames_late(struct world *world, struct room *room, struct dice *dice) {
  if (room->late_count == 0)
    return;
  struct late_frame *frame = &room->late[dice_pick(dice, room->late_count)];
  for (int to = 0; to < (int)world->person_count; to++)
    if (dice_once_in(dice, 2))
      hear(world, room, to, frame);
}

void frames_altered(struct world *world, struct room *room, struct dice *dice) {
  if (room->late_count == 0)
    return;
  struct late_frame frame = room->late[dice_pick(dice, room->late_count)];
  uint32_t bit = dice_pick(dice, frame.size * 8);
  frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  for (int to = 0; to < (int)world->person_count; to++) {
    struct streams *streams = &room->seats[to].streams;
    uint8_t plain[sizeof frame.data];
    size_t size = 0;
    if (streams->media == NULL)
      continue;
    int err = e2ee_receiver_decrypt(streams->receiver, METADATA, frame.data, frame.size, plain,
                                    sizeof plain, &size, NULL, 0);
    EXPECT(err != E2EE_OK && err != E2EE_ERR_INTERNAL, "an altered frame gives %d", err);
    world->tally.refusals++;
  }
}
