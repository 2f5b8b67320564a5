/* SPDX-License-Identifier: ISC */
#include "sframe/gather.h"

#include <string.h>

#include "base/secret.h"

#define SCRATCH 256u

static void reverse(uint8_t *data, size_t size) {
  for (size_t i = 0; i < size / 2; i++) {
    uint8_t byte = data[i];
    data[i] = data[size - 1 - i];
    data[size - 1 - i] = byte;
  }
}

/* Let two neighbours change places. */
static void rotate(uint8_t *data, size_t left, size_t right) {
  uint8_t scratch[SCRATCH];
  const size_t smaller = left < right ? left : right;
  if (smaller > sizeof scratch) {
    reverse(data, left);
    reverse(data + left, right);
    reverse(data, left + right);
    return;
  }
  if (smaller == 0)
    return;
  memcpy(scratch, smaller == left ? data : data + left, smaller);
  if (smaller == left) {
    memmove(data, data + left, right);
    memcpy(data + right, scratch, left);
  } else {
    memmove(data + right, data, left);
    memcpy(data, scratch, right);
  }
  wipe(scratch, smaller);
}

/*
 * A frame is a row of groups, each clear bytes and then encrypted ones; the first has no clear ones.
 * Two neighbours become one group if the first one's encrypted bytes change places with the second
 * one's clear bytes.
 */
struct groups {
  uint8_t *frame;
  const struct e2ee_range *clear;
  size_t count; /* of ranges: one less than groups */
};

/* Where a group begins; groups are never moved as a whole. */
static size_t start_of(const struct groups *groups, size_t group) {
  return group > 0 ? groups->clear[group - 1].offset : 0;
}

static size_t clear_of(const struct groups *groups, size_t from, size_t to) {
  size_t sum = 0;
  for (size_t i = from; i < to && i <= groups->count; i++)
    sum += i > 0 ? groups->clear[i - 1].length : 0;
  return sum;
}

/* Join pairs of `width` groups each, or take them apart again. */
static void pass(const struct groups *groups, size_t width, bool join) {
  for (size_t i = 0; i + width <= groups->count; i += 2 * width) {
    size_t start = start_of(groups, i), middle = start_of(groups, i + width);
    size_t first = clear_of(groups, i, i + width);
    size_t second = clear_of(groups, i + width, i + 2 * width);
    size_t encrypted = middle - start - first;
    rotate(groups->frame + start + first, join ? encrypted : second, join ? second : encrypted);
  }
}

void gather(uint8_t *frame, const struct e2ee_range *clear, size_t count) {
  const struct groups groups = {frame, clear, count};
  for (size_t width = 1; width <= count; width *= 2)
    pass(&groups, width, true);
}

void scatter(uint8_t *frame, const struct e2ee_range *clear, size_t count) {
  const struct groups groups = {frame, clear, count};
  size_t width = 1;
  while (width <= count / 2)
    width *= 2;
  for (; width >= 1 && count > 0; width /= 2)
    pass(&groups, width, false);
}
