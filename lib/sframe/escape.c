/* SPDX-License-Identifier: ISC */
#include "sframe/escape.h"

#include "sframe/number.h"

#define ESCAPE 0x80u
#define BLOCK 64u
#define HIGHEST 3u /* of the bytes that mean something behind two zero bytes */

/* How the escaping of a frame stands. */
struct list {
  uint8_t *out;
  size_t size;
  size_t next; /* the byte after the one escaped last */
  size_t left; /* that may be escaped still */
};

static enum err set(struct list *list, uint8_t *data, size_t at) {
  if (list->left-- == 0)
    return ERR_INTERNAL;
  data[at] |= ESCAPE;
  list->size += number_write(at - list->next, list->out + list->size);
  list->next = at + 1;
  return OK;
}

static bool behind_zeros(const uint8_t *data, size_t at) {
  return at >= 2 && data[at - 1] == 0 && data[at - 2] == 0;
}

/* Whether two zero bytes follow each other in BLOCK + 1 bytes; without branches, so that compilers make
 * vector instructions of it. */
static bool has_zeros(const uint8_t *data) {
  uint8_t found = 0;
  for (size_t i = 0; i < BLOCK; i++)
    found |= (uint8_t)((data[i] | data[i + 1]) == 0);
  return found != 0;
}

/* One encrypted part, which is empty only if it is the last.  Two zero bytes are rare, so blocks without
 * them are passed over. */
static enum err escape_part(struct list *list, uint8_t *data, size_t from, size_t end, bool last) {
  enum err err = OK;
  for (size_t at = from; at < end;) {
    const bool whole = end - at >= BLOCK;
    const size_t stop = whole ? at + BLOCK : end;
    if (whole && at >= 2 && !has_zeros(data + at - 2))
      at = stop;
    for (; at < stop; at++)
      if (data[at] <= HIGHEST && behind_zeros(data, at))
        TRY(set(list, data, at));
  }
  if (!last && data[end - 1] == 0)
    TRY(set(list, data, end - 1));
done:
  return err;
}

enum err escape(const struct escaped *frame, uint8_t *data, size_t most, uint8_t *out,
                size_t *out_size) {
  enum err err;
  struct list list = {.out = out, .left = most};
  size_t from = 0;
  for (size_t i = 0; i < frame->count; i++) {
    if (frame->clear[i].offset > from)
      TRY(escape_part(&list, data, from, frame->clear[i].offset, false));
    from = frame->clear[i].offset + frame->clear[i].length;
  }
  TRY(escape_part(&list, data, from, frame->size, true));
  *out_size = list.size;
done:
  return err;
}

enum err escape_check(const struct escaped *frame, const uint8_t *data, struct view list) {
  enum err err = OK;
  struct reader reader = reader_of(list);
  size_t at = 0, part = 0; /* the first range that ends behind `at` */
  for (size_t next = 0; reader.left > 0; next = at + 1) {
    uint64_t distance = 0;
    TRY(number_read(&reader, frame->size, &distance));
    TRY(distance < frame->size - next ? OK : ERR_MALFORMED);
    at = next + (size_t)distance;
    const struct e2ee_range *clear = frame->clear;
    while (part < frame->count && clear[part].offset + clear[part].length <= at)
      part++;
    bool before_clear = part < frame->count && clear[part].offset == at + 1;
    TRY(part == frame->count || clear[part].offset > at ? OK : ERR_MALFORMED);
    TRY(data[at] >= ESCAPE && data[at] <= (ESCAPE | HIGHEST) ? OK : ERR_MALFORMED);
    TRY(behind_zeros(data, at) || (before_clear && data[at] == ESCAPE) ? OK : ERR_MALFORMED);
  }
done:
  return err;
}

void escape_undo(uint8_t *data, struct view list) {
  struct reader reader = reader_of(list);
  uint64_t distance = 0;
  for (size_t next = 0; number_read(&reader, UINT32_MAX, &distance) == OK;) {
    data[next + distance] &= (uint8_t)~ESCAPE;
    next += (size_t)distance + 1;
  }
}
