/* SPDX-License-Identifier: ISC */
#include "sframe/partial.h"

#include <string.h>

#include "sframe/escape.h"
#include "sframe/gather.h"

/* A metadata OBU with its size (AV1 specification, section 5.3), and a type that is for applications
 * to use as they like (section 6.7.1). */
#define OBU_METADATA 0x2au
#define OBU_METADATA_TYPE 31u

/* What is authenticated, in five parts. */
#define PARTS 5u

/* What no SFrame header begins with: a KID in one byte of its own, which is zero. */
static const uint8_t domain[] = {0x80, 0x00};

struct additional {
  uint8_t head[sizeof domain + 1 + SFRAME_HEADER_MAX];
  uint8_t wrapping[WRAPPING_MAX];
  struct view parts[PARTS];
};

static void authenticate(struct additional *data, uint8_t form, const struct sframe_header *header,
                         struct view ranges, struct view clear, size_t wrapping,
                         struct view metadata) {
  memcpy(data->head, domain, sizeof domain);
  data->head[sizeof domain] = form;
  size_t size = sizeof domain + 1;
  size += sframe_header_write(header->kid, header->counter, data->head + size);
  data->parts[0] = view_of(data->head, size);
  data->parts[1] = ranges;
  data->parts[2] = clear;
  data->parts[3] = view_of(data->wrapping, wrapping);
  data->parts[4] = metadata;
}

/* The head of an OBU with so many bytes behind it.  @return bytes written */
static size_t wrap(size_t content, uint8_t *out) {
  size_t at = 0, left = content + 1; /* the metadata's type is part of the OBU */
  out[at++] = OBU_METADATA;
  for (; left >= 0x80; left >>= 7)
    out[at++] = (uint8_t)(0x80u | left);
  out[at++] = (uint8_t)left;
  out[at++] = OBU_METADATA_TYPE;
  return at;
}

static size_t sum(const struct e2ee_range *clear, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += clear[i].length;
  return size;
}

size_t sframe_partial_overhead(size_t size, size_t count) {
  return WRAPPING_MAX + AEAD_TAG_MAX + trailer_most(size, count);
}

/* The trailer is written where it is out of the way, and then moved behind the tag. */
struct trailer_draft {
  struct sframe_header header;
  uint8_t form;
  uint8_t *at;
  size_t size;
  struct view ranges;
  size_t wrapping;
};

static void draft_trailer(const struct partial *partial, size_t tag_size, struct additional *data,
                          struct trailer_draft *draft) {
  size_t from = 0;
  draft->form = (uint8_t)(FORM_VERSION | partial->form);
  if (partial->form == FORM_WRAPPED)
    draft->wrapping = WRAPPING_MAX; /* stands for the size that it will have, in one byte too */
  draft->size = trailer_write(&draft->header, draft->wrapping, partial->clear, partial->count,
                              draft->at, &from);
  if (partial->form == FORM_WRAPPED) {
    uint8_t end[8];
    size_t content = tag_size + draft->size + trailer_end(draft->size, draft->form, end);
    draft->wrapping = wrap(content, data->wrapping);
    draft->size = trailer_write(&draft->header, draft->wrapping, partial->clear, partial->count,
                                draft->at, &from);
  }
  draft->ranges = view_of(draft->at + from, draft->size - from);
}

enum err sframe_protect_partial(struct sframe_key *key, uint64_t counter, struct view metadata,
                                struct view frame, const struct partial *partial, uint8_t *out,
                                size_t *size) {
  enum err err;
  const size_t body = frame.size, tag_size = key->aead->tag_size;
  const size_t clear = sum(partial->clear, partial->count);
  const size_t most = ESCAPES_MAX(body, partial->count);
  struct additional data;
  struct trailer_draft trailer = {.header = {key->kid, counter, 0},
                                  .at = out + body + WRAPPING_MAX + tag_size};
  if (out != frame.data && body > 0)
    memcpy(out, frame.data, body);
  draft_trailer(partial, tag_size, &data, &trailer);

  gather(out, partial->clear, partial->count);
  authenticate(&data, trailer.form, &trailer.header, trailer.ranges, view_of(out, clear),
               trailer.wrapping, metadata);
  uint8_t nonce[AEAD_NONCE_MAX];
  sframe_nonce(key, counter, nonce);
  TRY(key->aead->seal(key->cipher, nonce, data.parts, PARTS, view_of(out + clear, body - clear),
                      out + clear));
  scatter(out, partial->clear, partial->count);

  if (partial->form == FORM_ESCAPED) {
    const struct escaped escaped = {body + tag_size, partial->clear, partial->count};
    size_t list = 0;
    TRY(escape(&escaped, out, most, trailer.at + trailer.size, &list));
    trailer.size += list;
  }
  memmove(out + body + trailer.wrapping, out + body, tag_size);
  memcpy(out + body, data.wrapping, trailer.wrapping);
  size_t total = body + trailer.wrapping + tag_size;
  memmove(out + total, trailer.at, trailer.size);
  total += trailer.size;
  *size = total + trailer_end(trailer.size, trailer.form, out + total);
done:
  if (err != OK)
    wipe(out, body + sframe_partial_overhead(body, partial->count));
  return err;
}

enum err sframe_unprotect_partial(struct sframe_key *key, const struct trailer *trailer,
                                  struct view metadata, struct view frame, uint8_t *out,
                                  size_t *size) {
  const size_t body = trailer->body, tag_size = key->aead->tag_size;
  const size_t clear = sum(trailer->clear, trailer->count);
  struct additional data;
  memcpy(data.wrapping, frame.data + body, trailer->wrapping);
  if (out != frame.data)
    memcpy(out, frame.data, body);
  memmove(out + body, frame.data + body + trailer->wrapping, tag_size);

  escape_undo(out, trailer->escapes);
  gather(out, trailer->clear, trailer->count);
  authenticate(&data, trailer->form, &trailer->header, trailer->ranges, view_of(out, clear),
               trailer->wrapping, metadata);
  uint8_t nonce[AEAD_NONCE_MAX];
  sframe_nonce(key, trailer->header.counter, nonce);
  enum err err = key->aead->open(key->cipher, nonce, data.parts, PARTS,
                                 view_of(out + clear, body - clear + tag_size), out + clear);
  if (err == OK) {
    scatter(out, trailer->clear, trailer->count);
    *size = body;
  } else {
    wipe(out, body + tag_size);
  }
  return err;
}
