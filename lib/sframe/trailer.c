/* SPDX-License-Identifier: ISC */
#include "sframe/trailer.h"

#include "crypto/provider.h"
#include "sframe/escape.h"
#include "sframe/number.h"

#define FORM_FLAGS 0x0fu

static enum err read_size(struct reader *reader, size_t most, size_t *out) {
  uint64_t value = 0;
  enum err err = number_read(reader, most, &value);
  if (err == OK)
    *out = (size_t)value;
  return err;
}

/* From the frame's end backwards.  @param numbers  out  @param before  out: bytes before them */
static enum err read_end_of(struct view frame, struct trailer *trailer, struct view *numbers,
                            size_t *before) {
  enum err err;
  uint64_t length = 0;
  size_t length_size = 0;
  TRY(frame.size > 0 ? OK : ERR_MALFORMED);
  size_t left = frame.size - 1;
  trailer->form = frame.data[left];
  uint8_t flags = trailer->form & FORM_FLAGS;
  TRY(trailer->form == (FORM_VERSION | flags) ? OK : ERR_MALFORMED);
  TRY(flags <= FORM_WRAPPED ? OK : ERR_MALFORMED);
  TRY(number_read_reversed(view_of(frame.data, left), left, &length, &length_size));
  left -= length_size;
  TRY(length <= left ? OK : ERR_MALFORMED);
  *before = left - (size_t)length;
  *numbers = view_of(frame.data + *before, (size_t)length);
done:
  return err;
}

static enum err read_ranges(struct reader *reader, struct trailer *trailer) {
  enum err err;
  size_t end = 0;
  TRY(read_size(reader, E2EE_RANGES_MAX, &trailer->count));
  for (size_t i = 0; i < trailer->count; i++) {
    size_t distance = 0, length = 0;
    TRY(read_size(reader, trailer->body - end, &distance));
    TRY(read_size(reader, trailer->body - end - distance, &length));
    TRY(length > 0 ? OK : ERR_MALFORMED);
    trailer->clear[i] = (struct e2ee_range){(uint32_t)(end + distance), (uint32_t)length};
    end += distance + length;
  }
done:
  return err;
}

enum err trailer_read(struct view frame, size_t tag_size, struct trailer *out) {
  enum err err;
  struct view numbers;
  size_t before = 0;
  TRY(read_end_of(frame, out, &numbers, &before));
  struct reader reader = reader_of(numbers);
  TRY(number_read(&reader, UINT64_MAX, &out->header.kid));
  TRY(number_read(&reader, UINT64_MAX, &out->header.counter));
  out->header.size = frame.size - before;
  if (tag_size == 0)
    return OK;

  TRY(before >= tag_size ? OK : ERR_MALFORMED);
  out->body = before - tag_size;
  out->wrapping = 0;
  const uint8_t *ranges = reader.at;
  if (out->form == (FORM_VERSION | FORM_WRAPPED))
    TRY(read_size(&reader, out->body < WRAPPING_MAX ? out->body : WRAPPING_MAX, &out->wrapping));
  out->body -= out->wrapping;
  TRY(read_ranges(&reader, out));
  out->ranges = read_since(&reader, ranges);
  out->escapes = view_of(reader.at, reader.left);
  if (out->form != (FORM_VERSION | FORM_ESCAPED))
    TRY(read_end(&reader));
  const struct escaped escaped = {out->body + tag_size, out->clear, out->count};
  TRY(escape_check(&escaped, frame.data, out->escapes));
done:
  return err;
}

size_t trailer_write(const struct sframe_header *header, size_t wrapping,
                     const struct e2ee_range *clear, size_t count, uint8_t *out, size_t *from) {
  size_t size = number_write(header->kid, out), end = 0;
  size += number_write(header->counter, out + size);
  *from = size;
  if (wrapping > 0)
    size += number_write(wrapping, out + size);
  size += number_write(count, out + size);
  for (size_t i = 0; i < count; i++) {
    size += number_write(clear[i].offset - end, out + size);
    size += number_write(clear[i].length, out + size);
    end = clear[i].offset + clear[i].length;
  }
  return size;
}

size_t trailer_end(size_t size, uint8_t form, uint8_t *out) {
  size_t length = number_write_reversed(size, out);
  out[length] = form;
  return length + 1;
}

size_t trailer_most(size_t size, size_t count) {
  size_t position = number_size(size + AEAD_TAG_MAX);
  size_t numbers = 2 * NUMBER_MAX + number_size(WRAPPING_MAX) + number_size(count) +
                   (2 * count + ESCAPES_MAX(size, count)) * position;
  return numbers + number_size(numbers) + 1;
}
