/* SPDX-License-Identifier: ISC */
#include "needles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BITS 21u
#define SLOTS (1u << SLOT_BITS)
#define SECRET_LONGEST 1024u

/* Not static, or the watched process would have to be searched for them. */
static struct needle *table;
static uint8_t *filter;
static size_t total;

bool needles_start(void) {
  table = calloc(SLOTS, sizeof *table);
  filter = calloc(SLOTS / 8, 1);
  return table != NULL && filter != NULL;
}

static unsigned slot_of(uint64_t low) {
  return (unsigned)(low * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS));
}

static uint64_t load(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static unsigned distinct(const uint8_t *bytes, unsigned size) {
  bool seen[256] = {false};
  unsigned count = 0;
  for (unsigned i = 0; i < size; i++) {
    count += !seen[bytes[i]];
    seen[bytes[i]] = true;
  }
  return count;
}

/* What has few values may be anything. */
static bool telling(const uint8_t *piece) {
  return distinct(piece, PIECE) >= 10 && distinct(piece, PIECE / 2) >= 5;
}

static void add_piece(const uint8_t *piece, enum kind kind, enum form form, const char *where) {
  const uint64_t low = load(piece), high = load(piece + 8);
  if (!telling(piece))
    return;
  unsigned slot = slot_of(low);
  for (; table[slot].where != NULL; slot = (slot + 1) % SLOTS)
    if (table[slot].low == low && table[slot].high == high) {
      /* A name, once there is one, is better than none. */
      if (table[slot].kind == KIND_OTHER)
        table[slot].kind = (unsigned char)kind;
      return;
    }
  if (++total > SLOTS / 2) {
    fprintf(stderr, "residue: too many secrets\n");
    exit(2);
  }
  table[slot] = (struct needle){.low = low,
                                .high = high,
                                .where = where,
                                .kind = (unsigned char)kind,
                                .form = (unsigned char)form};
  filter[slot_of(low) / 8] |= (uint8_t)(1u << slot_of(low) % 8);
}

static void add_pieces(const uint8_t *bytes, size_t size, enum kind kind, enum form form,
                       const char *where) {
  for (size_t at = 0; at + PIECE <= size; at += 4)
    add_piece(bytes + at, kind, form, where);
}

/* Turn round the bytes of each word, XOR them with a pad, and add that. */
static void add_turned(const uint8_t *bytes, size_t size, unsigned word, uint8_t pad,
                       enum kind kind, enum form form, const char *where) {
  uint8_t turned[SECRET_LONGEST];
  size = size / word * word;
  for (size_t i = 0; i < size; i++)
    turned[i] = bytes[i / word * word + (word - 1 - i % word)] ^ pad;
  add_pieces(turned, size, kind, form, where);
}

void needles_add(const uint8_t *bytes, size_t size, enum kind kind, const char *where) {
  static const uint8_t pads[] = {0, 0x36, 0x5c};
  if (size > SECRET_LONGEST) {
    needles_add_block(bytes, size, kind, where);
    return;
  }
  for (unsigned i = 0; i < sizeof pads; i++) {
    enum form first = (enum form)(FORM_PLAIN + 3 * i);
    add_turned(bytes, size, 1, pads[i], kind, first, where);
    add_turned(bytes, size, 4, pads[i], kind, (enum form)(first + 1), where);
    add_turned(bytes, size, 8, pads[i], kind, (enum form)(first + 2), where);
  }
}

void needles_add_number(const uint8_t *bytes, size_t size, enum kind kind, const char *where) {
  uint8_t reversed[SECRET_LONGEST] = {0};
  uint64_t digits[SECRET_LONGEST / 7] = {0};
  needles_add(bytes, size, kind, where);
  for (size_t i = 0; i < size; i++)
    reversed[i] = bytes[size - 1 - i];
  add_pieces(reversed, size, kind, FORM_REVERSED, where);
  for (size_t bit = 0; bit < 8 * size; bit++)
    digits[bit / 60] |= (uint64_t)(reversed[bit / 8] >> bit % 8 & 1) << bit % 60;
  /* The last digits of short numbers are mostly zero, and say little. */
  if (size >= 32)
    add_pieces((const uint8_t *)digits, 8 * size / 60 * 8, kind, FORM_DIGITS, where);
}

void needles_add_state(const uint8_t *bytes, size_t size, const char *where) {
  static const unsigned order[] = {5, 4, 1, 0, 7, 6, 3, 2};
  uint8_t words[32];
  add_pieces(bytes, size, KIND_HMAC_STATE, FORM_PLAIN, where);
  if (size != sizeof words)
    return;
  for (unsigned i = 0; i < 8; i++)
    memcpy(words + (size_t)4 * i, bytes + (size_t)4 * order[i], 4);
  add_piece(words, KIND_HMAC_STATE, FORM_STATE, where);
  add_piece(words + PIECE, KIND_HMAC_STATE, FORM_STATE, where);
}

static bool pointer_at(const uint8_t *bytes) {
  const uint64_t word = load(bytes);
  return word > 0xffff && word >> 47 == 0;
}

void needles_add_block(const uint8_t *bytes, size_t size, enum kind kind, const char *where) {
  const size_t step = size > 2048 ? PIECE : 2; /* of large tables fewer pieces will do */
  for (size_t at = 0; at + PIECE <= size; at += step) {
    bool pointers = false;
    for (size_t word = at / 8 * 8; word < at + PIECE && word + 8 <= size; word += 8)
      pointers = pointers || pointer_at(bytes + word);
    if (!pointers)
      add_piece(bytes + at, kind, FORM_PLAIN, where);
  }
}

struct needle *needles_at(const uint8_t *bytes) {
  const uint64_t low = load(bytes);
  unsigned slot = slot_of(low);
  if ((filter[slot / 8] >> slot % 8 & 1) == 0)
    return NULL;
  const uint64_t high = load(bytes + 8);
  for (; table[slot].where != NULL; slot = (slot + 1) % SLOTS)
    if (table[slot].low == low && table[slot].high == high)
      return &table[slot];
  return NULL;
}

struct needle *needles_half(uint64_t half) {
  unsigned slot = slot_of(half);
  if ((filter[slot / 8] >> slot % 8 & 1) == 0)
    return NULL;
  for (; table[slot].where != NULL; slot = (slot + 1) % SLOTS)
    if (table[slot].low == half)
      return &table[slot];
  return NULL;
}

void needles_age(void) {
  for (unsigned slot = 0; slot < SLOTS; slot++)
    table[slot].old = true;
}

const char *kind_name(unsigned kind) {
  static const char *const names[KINDS] = {
      "signature key", "HPKE key",  "epoch secret", "path secret", "ratchet",
      "message key",   "frame key", "AES keys",     "HMAC state",  "base key",
      "state key",     "PSK",       "secret"};
  return names[kind];
}

const char *form_name(unsigned form) {
  static const char *const names[FORMS] = {"",
                                           ", 32-bit words",
                                           ", 64-bit words",
                                           ", inner pad",
                                           ", inner pad in 32-bit words",
                                           ", inner pad in 64-bit words",
                                           ", outer pad",
                                           ", outer pad in 32-bit words",
                                           ", outer pad in 64-bit words",
                                           ", as a number",
                                           ", as digits",
                                           ", as a state"};
  return names[form];
}
