/* SPDX-License-Identifier: ISC */
#include "media/format.h"

static size_t overhead(const struct frame_call *call) {
  return sframe_partial_overhead(call->frame.size, call->partial->count);
}

static enum err protect(struct sframe_key *key, uint64_t counter, const struct frame_call *call) {
  return sframe_protect_partial(key, counter, call->metadata, call->frame, call->partial, call->out,
                                call->size);
}

static enum err read(const struct sframe_suite *suite, struct view frame, struct frame_parts *out) {
  enum err err = trailer_read(frame, suite->aead->tag_size, &out->trailer);
  if (err != OK)
    return err;
  out->header = out->trailer.header;
  out->room = frame.size;
  return OK;
}

static enum err unprotect(struct sframe_key *key, const struct frame_parts *parts,
                          const struct frame_call *call) {
  return sframe_unprotect_partial(key, &parts->trailer, call->metadata, call->frame, call->out,
                                  call->size);
}

const struct frame_format format_partial = {
    .overhead = overhead,
    .protect = protect,
    .read = read,
    .unprotect = unprotect,
};
