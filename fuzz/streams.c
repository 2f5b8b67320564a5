/* SPDX-License-Identifier: ISC */
#include "streams.h"

#include <stdlib.h>

#define SENDERS 4
#define RATCHET_BITS 4
#define ROOM 1024

static const uint8_t base_key[32] = {'k'};

/* Of a group; or with a key for each sender, all of which ratchet alike. */
static void make_media(struct person *me) {
  uint8_t how = party_byte(me->party);
  me->shares_keys = how % 4 == 1;
  if (me->shares_keys)
    party_fine(e2ee_media_new_sender_keys(party_byte(me->party) % 10, RATCHET_BITS, &me->media));
  else
    party_fine(e2ee_media_new(how % 2 == 0 ? 0 : party_byte(me->party) % 10, &me->media));
}

void change_media(struct person *me) {
  e2ee_event event;
  if (me->media == NULL)
    make_media(me);
  if (me->media == NULL)
    return;
  uint64_t epoch = party_byte(me->party) % 16;
  switch (party_byte(me->party) % 7) {
  case 0:
    party_fine(e2ee_media_activate(me->media, epoch));
    break;
  case 1:
    party_fine(e2ee_media_retire(me->media, epoch));
    break;
  case 2:
    e2ee_sender_free(me->sender);
    party_fine(e2ee_sender_new(me->media, &me->sender));
    break;
  case 3:
    e2ee_receiver_free(me->receiver);
    party_fine(e2ee_receiver_new(me->media, &me->receiver));
    break;
  case 4:
    while (e2ee_media_next_event(me->media, &event, sizeof event) == 1)
      ;
    break;
  case 5:
    person_free_media(me);
    break;
  default:
    if (me->group != NULL)
      party_install(me);
  }
}

/* Install and activate, as an app does, so that frames are not too rare. */
void follow_media(struct person *me) {
  e2ee_group_status status;
  if (me->media == NULL && party_fine(e2ee_media_new(0, &me->media)))
    me->shares_keys = false;
  if (me->sender == NULL)
    party_fine(e2ee_sender_new(me->media, &me->sender));
  if (me->receiver == NULL)
    party_fine(e2ee_receiver_new(me->media, &me->receiver));
  if (me->group == NULL || !party_install(me))
    return;
  party_fine(e2ee_group_get_status(me->group, &status, sizeof status));
  party_fine(e2ee_media_activate(me->media, status.epoch));
}

void send_frame(struct person *me) {
  struct view text = party_block(me->party);
  uint8_t out[512];
  size_t size = 0;
  bool partial = party_byte(me->party) % 4 == 0;
  e2ee_range clear = {0, 1};
  if (me->sender == NULL || text.size == 0)
    return;
  if (!party_fine(partial ? e2ee_sender_encrypt_partial(me->sender, party_byte(me->party) % 8, NULL,
                                                        0, text.data, text.size, &clear, 1, out,
                                                        sizeof out, &size)
                          : e2ee_sender_encrypt(me->sender, NULL, 0, text.data, text.size, out,
                                                sizeof out, &size)))
    return;
  if (!me->shares_keys) /* which nobody here keeps from being agreed upon twice */
    party_sent_frame(me, out, size, partial);
  party_keep(me->party, out, size);
}

void receive_frame(struct person *me) {
  const struct letter *frame = party_letter(me->party);
  uint8_t *out = malloc(frame->size + 1);
  size_t size = 0;
  e2ee_frame_info info;
  harness_require(out != NULL, "no memory");
  if (me->receiver != NULL)
    party_fine(party_byte(me->party) % 4 == 0
                   ? e2ee_receiver_decrypt_partial(me->receiver, NULL, 0, frame->data, frame->size,
                                                   out, frame->size + 1, &size, &info, sizeof info)
                   : e2ee_receiver_decrypt(me->receiver, NULL, 0, frame->data, frame->size, out,
                                           frame->size + 1, &size, &info, sizeof info));
  free(out);
}

/* Media under keys that somebody else has agreed: every call that media.h has for it. */
void share_key(struct person *me) {
  uint8_t which = party_byte(me->party) % 7;
  uint32_t sender = party_byte(me->party) % SENDERS;
  uint64_t generation = party_byte(me->party) % 4, step = party_byte(me->party);
  struct view key = step % 4 == 0 ? party_block(me->party) : VIEW_ARRAY(base_key);
  e2ee_bytes *out = NULL;
  if (me->media == NULL && party_fine(e2ee_media_new_sender_keys(1, RATCHET_BITS, &me->media)))
    me->shares_keys = true;
  switch (which) {
  case 0:
    party_fine(e2ee_media_set_own_key(me->media, generation, key.data, key.size));
    break;
  case 1:
    party_fine(e2ee_media_ratchet(me->media, &step, &out));
    party_post(me->party, out);
    break;
  case 2:
    party_fine(e2ee_media_add_sender(me->media, sender, RATCHET_BITS));
    break;
  case 3:
    party_fine(e2ee_media_set_sender_key(me->media, sender, generation, step, key.data, key.size));
    break;
  case 4:
    party_fine(e2ee_media_retire_sender(me->media, sender, generation));
    break;
  case 5:
    party_fine(e2ee_media_remove_sender(me->media, sender));
    break;
  default:
    e2ee_receiver_free(me->receiver);
    me->receiver = NULL;
    party_fine(e2ee_media_receiver_new(me->media, sender, &me->receiver));
  }
}

/* Whatever can be read of media and their streams. */
void read_media(struct person *me) {
  uint8_t out[512];
  e2ee_stats stats;
  uint64_t epoch = party_byte(me->party) % 16;
  uint32_t leaf = party_byte(me->party) % (PEOPLE + 1);
  if (me->sender != NULL)
    party_fine(e2ee_sender_stats(me->sender, &stats, sizeof stats));
  if (me->receiver != NULL)
    party_fine(e2ee_receiver_stats(me->receiver, &stats, sizeof stats));
  if (me->media == NULL)
    return;
  party_fine(e2ee_media_stats(me->media, &stats, sizeof stats));
  for (uint32_t what = 0; what < 8; what++)
    party_fine(e2ee_media_member(me->media, epoch, leaf, what, out, &(size_t){sizeof out}));
}

/* What needs no key. */
void look_at_frame(struct person *me) {
  const struct letter *frame = party_letter(me->party);
  uint32_t codec = party_byte(me->party) % 9;
  e2ee_frame_info info;
  e2ee_range ranges[16];
  size_t count = sizeof ranges / sizeof ranges[0], size = ROOM;
  uint8_t out[ROOM];
  party_fine(e2ee_frame_peek(frame->data, frame->size, &info, sizeof info));
  party_fine(e2ee_partial_peek(frame->data, frame->size, &info, sizeof info));
  party_fine(e2ee_frame_clear_ranges(codec, frame->data, frame->size, ranges, &count));
  party_fine(e2ee_frame_normalize(codec, frame->data, frame->size, out, &size));
}
