/* VP9 (bitstream specification, version 0.6).  SPDX-License-Identifier: ISC */
#include "bitstream/bits.h"
#include "bitstream/ranges.h"

#define VP9_MARKER 2u
#define VP9_SYNC 0x498342u
#define VP9_RGB 7u

/* Section 6.2.2, color_config(). */
static enum err skip_colors(struct bits *bits, uint32_t profile) {
  enum err err = OK;
  uint32_t space = 0, ignored = 0;
  if (profile >= 2)
    TRY(bits_read(bits, 1, &ignored)); /* ten_or_twelve_bit */
  TRY(bits_read(bits, 3, &space));
  if (space != VP9_RGB)
    TRY(bits_read(bits, 1, &ignored)); /* color_range */
  if (profile == 1 || profile == 3)
    TRY(bits_read(bits, space == VP9_RGB ? 1 : 3, &ignored)); /* subsampling, reserved */
done:
  return err;
}

/* Section 6.2, uncompressed_header(), as far as anybody outside a decoder reads it. */
static enum err read_vp9(struct bits *bits) {
  enum err err;
  uint32_t marker = 0, low = 0, high = 0, reserved = 0, existing = 0, inter = 0, ignored = 0;
  uint32_t sync = 0;
  TRY(bits_read(bits, 2, &marker));
  TRY(bits_read(bits, 1, &low));
  TRY(bits_read(bits, 1, &high));
  const uint32_t profile = high << 1 | low;
  if (profile == 3)
    TRY(bits_read(bits, 1, &reserved));
  TRY(marker == VP9_MARKER && reserved == 0 ? OK : ERR_MALFORMED);
  TRY(bits_read(bits, 1, &existing));
  if (existing != 0)
    return OK;
  TRY(bits_read(bits, 1, &inter));
  TRY(bits_read(bits, 2, &ignored)); /* show_frame, error_resilient_mode */
  if (inter != 0)
    return OK;
  TRY(bits_read(bits, 24, &sync));
  TRY(sync == VP9_SYNC ? OK : ERR_MALFORMED);
  TRY(skip_colors(bits, profile));
  TRY(bits_read(bits, 32, &ignored)); /* width and height, less one */
done:
  return err;
}

void ranges_vp9(struct view frame, struct ranges *out) {
  struct bits bits = {.bytes = frame};
  if (read_vp9(&bits) == OK)
    ranges_add(out, 0, bits_bytes(&bits));
}
