/* SPDX-License-Identifier: ISC */
#include <e2ee/media.h>

#include "api/frames.h"
#include "api/handles.h"
#include "bitstream/codec.h"
#include "media/epoch.h"
#include "media/receiver.h"
#include "media/sender.h"

int e2ee_frame_clear_ranges(uint32_t codec, const uint8_t *frame, size_t frame_len,
                            e2ee_range *ranges, size_t *count) {
  if (count == NULL || !api_given(frame, frame_len))
    return ERR_INVALID_ARG;
  if (frame_len > SFRAME_SIZE_MAX)
    return ERR_LIMIT;
  const struct codec *row = codec_find(codec);
  if (row == NULL)
    return ERR_UNSUPPORTED;
  struct ranges found = {.at = ranges, .capacity = ranges != NULL ? *count : 0};
  row->ranges(view_of(frame, frame_len), &found);
  if (found.count > E2EE_RANGES_MAX)
    return ERR_LIMIT;
  *count = found.count;
  return ranges != NULL && found.count > found.capacity ? ERR_BUFFER_TOO_SMALL : OK;
}

int e2ee_frame_normalize(uint32_t codec, const uint8_t *frame, size_t frame_len, uint8_t *out,
                         size_t *len) {
  if (len == NULL || !api_given(frame, frame_len))
    return ERR_INVALID_ARG;
  if (frame_len > SFRAME_SIZE_MAX)
    return ERR_LIMIT;
  const struct codec *row = codec_find(codec);
  if (row == NULL)
    return ERR_UNSUPPORTED;
  const struct view whole = view_of(frame, frame_len);
  struct normal counted = {0};
  row->normal(whole, &counted);
  struct normal written = {.out = out, .capacity = counted.size};
  bool fits = out == NULL || *len >= counted.size;
  if (fits && out != NULL) {
    if (api_overlap(view_of(out, counted.size), whole))
      return ERR_INVALID_ARG;
    row->normal(whole, &written);
  }
  *len = counted.size;
  return fits ? OK : ERR_BUFFER_TOO_SMALL;
}

size_t e2ee_partial_overhead(size_t frame_len, size_t count) {
  bool fits = frame_len <= SFRAME_SIZE_MAX && count <= E2EE_RANGES_MAX;
  return fits ? sframe_partial_overhead(frame_len, count) : 0;
}

static unsigned form_of(const struct codec *codec) {
  static const unsigned forms[] = {
      [CODEC_END_PLAIN] = 0,
      [CODEC_END_ESCAPED] = FORM_ESCAPED,
      [CODEC_END_WRAPPED] = FORM_WRAPPED,
  };
  return forms[codec->end];
}

/* Ascending, disjoint, none empty, all in the frame. */
static enum err check_ranges(const e2ee_range *clear, size_t count, size_t frame_len) {
  size_t end = 0;
  if (clear == NULL && count > 0)
    return ERR_INVALID_ARG;
  if (count > E2EE_RANGES_MAX)
    return ERR_LIMIT;
  for (size_t i = 0; i < count; i++) {
    if (clear[i].length == 0 || clear[i].offset < end || clear[i].offset > frame_len ||
        clear[i].length > frame_len - clear[i].offset)
      return ERR_INVALID_ARG;
    end = (size_t)clear[i].offset + clear[i].length;
  }
  return OK;
}

int e2ee_sender_encrypt_partial(e2ee_sender *sender, uint32_t codec, const uint8_t *metadata,
                                size_t metadata_len, const uint8_t *frame, size_t frame_len,
                                const e2ee_range *clear, size_t count, uint8_t *out, size_t out_cap,
                                size_t *out_len) {
  enum err err = OK;
  struct frame_call call =
      api_frame_call(metadata, metadata_len, frame, frame_len, out, out_cap, out_len);
  struct partial partial = {.clear = clear, .count = count};
  TRY(sender != NULL ? OK : ERR_INVALID_ARG);
  const size_t overhead = e2ee_partial_overhead(frame_len, count);
  const struct view written = view_of(out, api_frame_written(frame_len, overhead, out_cap));
  TRY(api_check_frame(&call, written.size));
  TRY(check_ranges(clear, count, frame_len));
  const struct view list = view_of((const uint8_t *)clear, count * sizeof *clear);
  TRY(api_overlap(written, list) ? ERR_INVALID_ARG : OK);
  const struct codec *row = codec_find(codec);
  TRY(row != NULL ? OK : ERR_UNSUPPORTED);
  partial.form = form_of(row);
  call.partial = &partial;
  TRY(sender_encrypt_as(sender, &call, &format_partial));
done:
  return err;
}

int e2ee_receiver_decrypt_partial(e2ee_receiver *receiver, const uint8_t *metadata,
                                  size_t metadata_len, const uint8_t *frame, size_t frame_len,
                                  uint8_t *out, size_t out_cap, size_t *out_len,
                                  e2ee_frame_info *info, size_t info_size) {
  enum err err;
  const struct frame_call call =
      api_frame_call(metadata, metadata_len, frame, frame_len, out, out_cap, out_len);
  /* Mostly the caller's struct is as large as this version's, and filled without a detour. */
  struct e2ee_frame_info other, *to = info_size == sizeof other ? info : &other;
  if (receiver == NULL || frame == NULL || (info == NULL && info_size > 0))
    return ERR_INVALID_ARG;
  TRY(api_check_frame(&call, out_cap < frame_len ? out_cap : frame_len));
  TRY(receiver_decrypt_as(receiver, &call, &format_partial, to));
  if (to != info && info_size > 0)
    api_fill(info, info_size, to, sizeof *to);
done:
  return err;
}

int e2ee_partial_peek(const uint8_t *frame, size_t frame_len, e2ee_frame_info *out,
                      size_t out_size) {
  if (frame == NULL || out == NULL || out_size == 0)
    return ERR_INVALID_ARG;
  struct trailer trailer;
  enum err err = trailer_read(view_of(frame, frame_len), 0, &trailer);
  if (err != OK)
    return err;
  struct e2ee_frame_info info = {.kid = trailer.header.kid,
                                 .counter = trailer.header.counter,
                                 .epoch = media_epoch_slot(trailer.header.kid),
                                 .leaf = UINT32_MAX,
                                 .header_len = (uint32_t)trailer.header.size};
  api_fill(out, out_size, &info, sizeof info);
  return OK;
}
