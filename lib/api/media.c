/* SPDX-License-Identifier: ISC */
#include "media/media.h"

#include "api/frames.h"
#include "api/handles.h"
#include "base/mem.h"
#include "base/traces.h"
#include "crypto/provider.h"
#include "media/epoch.h"
#include "media/groupkeys.h"
#include "media/sender.h"
#include "sframe/header.h"

/* ---- Media keys ---- */

int e2ee_media_new(uint16_t sframe_suite, e2ee_media **out) {
  enum err err;
  e2ee_media *handle = NULL;
  if (out == NULL)
    return ERR_INVALID_ARG;
  *out = NULL;
  TRY(provider_init());
  handle = mem_new(1, sizeof *handle);
  TRY(handle != NULL ? OK : ERR_NOMEM);
  TRY(groupkeys_new(sframe_suite != 0 ? sframe_suite : API_SFRAME_SUITE, &handle->media));
  *out = handle;
  handle = NULL;
done:
  mem_free(handle);
  return err;
}

void e2ee_media_free(e2ee_media *media) {
  if (media == NULL)
    return;
  media_drop(media->media);
  mem_free(media);
}

int e2ee_media_install(e2ee_media *media, const e2ee_group *group) {
  if (media == NULL || group == NULL)
    return ERR_INVALID_ARG;
  const struct group *inner = NULL;
  enum err err = api_group_enter(group, &inner);
  if (err != OK)
    return err;
  err = groupkeys_install(media->media, group->contexts, inner, &group->client->client->why);
  return api_group_leave(group, err);
}

int e2ee_media_activate(e2ee_media *media, uint64_t epoch) {
  return media == NULL ? ERR_INVALID_ARG : groupkeys_activate(media->media, epoch);
}

int e2ee_media_retire(e2ee_media *media, uint64_t epoch) {
  if (media == NULL)
    return ERR_INVALID_ARG;
  enum err err = media_retire(media->media, epoch);
  traces_wipe();
  return err;
}

int e2ee_media_member(const e2ee_media *media, uint64_t epoch, uint32_t leaf, uint32_t what,
                      uint8_t *out, size_t *len) {
  if (media == NULL || len == NULL)
    return ERR_INVALID_ARG;
  struct bytes value = {NULL, 0};
  enum err err = groupkeys_member(media->media, epoch, leaf, what, &value);
  if (err == OK)
    err = api_put(bytes_view(&value), out, len);
  bytes_free(&value);
  return err;
}

int e2ee_media_next_event(e2ee_media *media, e2ee_event *out, size_t out_size) {
  if (media == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  struct e2ee_event event;
  if (!events_take(&media->media->events, &event))
    return 0;
  api_fill(out, out_size, &event, sizeof event);
  return 1;
}

int e2ee_media_stats(const e2ee_media *media, e2ee_stats *out, size_t out_size) {
  if (media == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  struct e2ee_stats stats;
  media_stats(media->media, &stats);
  api_fill(out, out_size, &stats, sizeof stats);
  return OK;
}

static int answer_stats(const struct counters *counters, e2ee_stats *out, size_t out_size) {
  struct e2ee_stats stats = {.sent = 0};
  counters_add(counters, &stats);
  api_fill(out, out_size, &stats, sizeof stats);
  return OK;
}

int e2ee_sender_stats(const e2ee_sender *sender, e2ee_stats *out, size_t out_size) {
  if (sender == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  return answer_stats(&sender->stream.counters, out, out_size);
}

int e2ee_receiver_stats(const e2ee_receiver *receiver, e2ee_stats *out, size_t out_size) {
  if (receiver == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  return answer_stats(&receiver->stream.counters, out, out_size);
}

/* ---- Frames ---- */

size_t e2ee_frame_overhead(void) {
  return SFRAME_OVERHEAD_MAX;
}

int e2ee_frame_peek(const uint8_t *frame, size_t frame_len, e2ee_frame_info *out, size_t out_size) {
  if (frame == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  struct sframe_header header;
  enum err err = sframe_header_read(view_of(frame, frame_len), &header);
  if (err != OK)
    return err;
  struct e2ee_frame_info info = {.kid = header.kid,
                                 .counter = header.counter,
                                 .epoch = media_epoch_slot(header.kid),
                                 .leaf = UINT32_MAX,
                                 .header_len = (uint32_t)header.size};
  api_fill(out, out_size, &info, sizeof info);
  return OK;
}

int e2ee_sender_new(e2ee_media *media, e2ee_sender **out) {
  if (out == NULL)
    return ERR_INVALID_ARG;
  *out = NULL;
  return media == NULL ? ERR_INVALID_ARG : sender_new(media->media, out);
}

void e2ee_sender_free(e2ee_sender *sender) {
  if (sender != NULL)
    sender_free(sender);
}

int e2ee_sender_encrypt(e2ee_sender *sender, const uint8_t *metadata, size_t metadata_len,
                        const uint8_t *frame, size_t frame_len, uint8_t *out, size_t out_cap,
                        size_t *out_len) {
  const struct frame_call call =
      api_frame_call(metadata, metadata_len, frame, frame_len, out, out_cap, out_len);
  if (sender == NULL)
    return ERR_INVALID_ARG;
  enum err err = api_check_frame(&call, api_frame_written(frame_len, SFRAME_OVERHEAD_MAX, out_cap));
  return err == OK ? sender_encrypt(sender, &call) : err;
}

int e2ee_receiver_new(e2ee_media *media, e2ee_receiver **out) {
  if (out == NULL)
    return ERR_INVALID_ARG;
  *out = NULL;
  return media == NULL ? ERR_INVALID_ARG : groupkeys_receiver(media->media, out);
}

void e2ee_receiver_free(e2ee_receiver *receiver) {
  if (receiver != NULL)
    receiver_free(receiver);
}

int e2ee_receiver_decrypt(e2ee_receiver *receiver, const uint8_t *metadata, size_t metadata_len,
                          const uint8_t *frame, size_t frame_len, uint8_t *out, size_t out_cap,
                          size_t *out_len, e2ee_frame_info *info, size_t info_size) {
  const struct frame_call call =
      api_frame_call(metadata, metadata_len, frame, frame_len, out, out_cap, out_len);
  /* Mostly the caller's struct is as large as this version's, and filled without a detour. */
  struct e2ee_frame_info other, *to = info_size == sizeof other ? info : &other;
  if (receiver == NULL || frame == NULL || (info == NULL && info_size > 0))
    return ERR_INVALID_ARG;
  enum err err = api_check_frame(&call, out_cap < frame_len ? out_cap : frame_len);
  if (err != OK)
    return err;
  err = receiver_decrypt(receiver, &call, to);
  if (err == OK && to != info && info_size > 0)
    api_fill(info, info_size, to, sizeof *to);
  return err;
}
