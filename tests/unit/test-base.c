/*
 * The base layer: bytes, the reader and the writer at their boundaries, secrets, locked memory,
 * growing arrays, refusals, and what threads share.
 * SPDX-License-Identifier: ISC
 */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/sync.h"
#include "tests/run.h"

/* A check of each byte by check's macros would take a minute. */
static bool all_are(const uint8_t *bytes, size_t size, uint8_t value) {
  for (size_t i = 0; i < size; i++)
    if (bytes[i] != value)
      return false;
  return true;
}

/* ---- Bytes ---- */

START_TEST(test_views) {
  uint8_t bytes[] = {1, 2, 3};
  ck_assert(view_equal(VIEW_NONE, VIEW_NONE));
  ck_assert(view_equal(VIEW_NONE, view_of(bytes, 0)));
  ck_assert(view_equal(VIEW_ARRAY(bytes), VIEW_TEXT("\1\2\3")));
  ck_assert(!view_equal(VIEW_ARRAY(bytes), VIEW_TEXT("\1\2\4")));
  ck_assert(!view_equal(VIEW_ARRAY(bytes), view_of(bytes, 2)));
  ck_assert_int_eq(view_compare(VIEW_NONE, VIEW_NONE), 0);
  ck_assert_int_eq(view_compare(VIEW_TEXT("ab"), VIEW_TEXT("ab")), 0);
  ck_assert_int_lt(view_compare(VIEW_TEXT("ab"), VIEW_TEXT("b")), 0);
  ck_assert_int_gt(view_compare(VIEW_TEXT("b"), VIEW_TEXT("ab")), 0);
  ck_assert_int_lt(view_compare(VIEW_TEXT("a"), VIEW_TEXT("ab")), 0);
  ck_assert_int_gt(view_compare(VIEW_TEXT("ab"), VIEW_TEXT("a")), 0);
  ck_assert_int_lt(view_compare(VIEW_NONE, VIEW_TEXT("a")), 0);
  ck_assert_int_gt(view_compare(VIEW_TEXT("\xff"), VIEW_TEXT("\1")), 0);
}
END_TEST

START_TEST(test_bytes) {
  struct bytes bytes = {NULL, 0}, other = {NULL, 0};
  ck_assert_int_eq(bytes_copy(&bytes, VIEW_TEXT("text")), OK);
  ck_assert(view_equal(bytes_view(&bytes), VIEW_TEXT("text")));
  bytes_move(&other, &bytes);
  ck_assert_ptr_null(bytes.data);
  ck_assert_uint_eq(bytes.size, 0);
  ck_assert(view_equal(bytes_view(&other), VIEW_TEXT("text")));
  bytes_free(&other);
  ck_assert_ptr_null(other.data);
  bytes_free(&other);
  ck_assert_int_eq(bytes_copy(&bytes, VIEW_NONE), OK);
  ck_assert_uint_eq(bytes.size, 0);
  bytes_free(&bytes);
}
END_TEST

/* ---- Reading ---- */

START_TEST(test_read_numbers) {
  static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9};
  struct reader reader = reader_of(VIEW_ARRAY(bytes));
  uint8_t u8 = 0;
  uint16_t u16 = 0;
  uint32_t u32 = 0;
  uint64_t u64 = 0;
  ck_assert_int_eq(read_u64(&reader, &u64), OK);
  ck_assert_uint_eq(u64, 0x0102030405060708);
  ck_assert_int_eq(read_u32(&reader, &u32), OK);
  ck_assert_uint_eq(u32, 0xfffefdfc);
  ck_assert_int_eq(read_u16(&reader, &u16), OK);
  ck_assert_uint_eq(u16, 0xfbfa);
  ck_assert_int_eq(read_end(&reader), ERR_MALFORMED);
  ck_assert(view_equal(read_since(&reader, bytes), view_of(bytes, 14)));
  ck_assert_int_eq(read_u8(&reader, &u8), OK);
  ck_assert_uint_eq(u8, 0xf9);
  ck_assert_int_eq(read_end(&reader), OK);
  reader = reader_of(VIEW_NONE);
  ck_assert_uint_eq(read_since(&reader, reader.at).size, 0);
}
END_TEST

/* One byte less than each number needs; nothing is written or consumed. */
START_TEST(test_read_too_short) {
  static const uint8_t bytes[8] = {0};
  uint8_t u8 = 7;
  uint16_t u16 = 7;
  uint32_t u32 = 7;
  uint64_t u64 = 7;
  struct view view = VIEW_TEXT("x");
  struct reader reader = reader_of(VIEW_NONE);
  ck_assert_int_eq(read_u8(&reader, &u8), ERR_MALFORMED);
  reader = reader_of(view_of(bytes, 1));
  ck_assert_int_eq(read_u16(&reader, &u16), ERR_MALFORMED);
  reader = reader_of(view_of(bytes, 3));
  ck_assert_int_eq(read_u32(&reader, &u32), ERR_MALFORMED);
  reader = reader_of(view_of(bytes, 7));
  ck_assert_int_eq(read_u64(&reader, &u64), ERR_MALFORMED);
  ck_assert_int_eq(read_bytes(&reader, 8, &view), ERR_MALFORMED);
  ck_assert_int_eq(read_bytes(&reader, SIZE_MAX, &view), ERR_MALFORMED);
  ck_assert_uint_eq(reader.left, 7);
  ck_assert_uint_eq(view.size, 1);
  ck_assert_uint_eq(u8 + u16 + u32 + u64, 28);
  ck_assert_int_eq(read_bytes(&reader, 7, &view), OK);
  ck_assert_int_eq(read_bytes(&reader, 0, &view), OK);
  ck_assert_uint_eq(view.size, 0);
}
END_TEST

struct length_case {
  uint8_t bytes[8];
  size_t size;
  enum err err;
  size_t length;
};

/* RFC 9420, section 2.1.2: 1, 2 or 4 bytes, the fewest that hold the number. */
static const struct length_case lengths[] = {
    {{0x00}, 1, OK, 0},
    {{0x3f}, 1, OK, 0x3f},
    {{0x40, 0x40}, 2, OK, 0x40},
    {{0x7f, 0xff}, 2, OK, 0x3fff},
    {{0x80, 0x00, 0x40, 0x00}, 4, OK, 0x4000},
    {{0xbf, 0xff, 0xff, 0xff}, 4, OK, 0x3fffffff},
    {{0x40, 0x00}, 2, ERR_MALFORMED, 0}, /* not minimal */
    {{0x40, 0x3f}, 2, ERR_MALFORMED, 0},
    {{0x80, 0x00, 0x00, 0x00}, 4, ERR_MALFORMED, 0},
    {{0x80, 0x00, 0x00, 0x3f}, 4, ERR_MALFORMED, 0},
    {{0x80, 0x00, 0x3f, 0xff}, 4, ERR_MALFORMED, 0},
    {{0xc0}, 1, ERR_MALFORMED, 0}, /* prefix 0b11 */
    {{0xc0, 0, 0, 0, 0x40, 0, 0, 0}, 8, ERR_MALFORMED, 0},
    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, ERR_MALFORMED, 0},
    {{0x40}, 1, ERR_MALFORMED, 0}, /* cut */
    {{0x80, 0x00, 0x40}, 3, ERR_MALFORMED, 0},
    {{0}, 0, ERR_MALFORMED, 0},
};

START_TEST(test_read_length) {
  const struct length_case *length = &lengths[_i];
  struct reader reader = reader_of(view_of(length->bytes, length->size));
  size_t out = 12345;
  ck_assert_int_eq(read_length(&reader, &out), length->err);
  ck_assert_uint_eq(out, length->err == OK ? length->length : 12345);
  if (length->err != OK)
    return;
  ck_assert_int_eq(read_end(&reader), OK);
  struct writer writer = {0};
  write_length(&writer, length->length);
  ck_assert(view_equal(writer_view(&writer), view_of(length->bytes, length->size)));
  writer_free(&writer);
}
END_TEST

START_TEST(test_read_vector) {
  static const uint8_t bytes[] = {3, 'a', 'b', 'c', 2, 9, 9, 4, 'd', 'e', 'f'};
  struct reader reader = reader_of(VIEW_ARRAY(bytes)), items = {NULL, 0};
  struct view view = VIEW_NONE;
  uint8_t item = 0;
  ck_assert_int_eq(read_vector(&reader, &view), OK);
  ck_assert(view_equal(view, VIEW_TEXT("abc")));
  ck_assert_int_eq(read_items(&reader, &items), OK);
  ck_assert_uint_eq(items.left, 2);
  ck_assert_int_eq(read_u8(&items, &item), OK);
  ck_assert_int_eq(read_u8(&items, &item), OK);
  ck_assert_int_eq(read_u8(&items, &item), ERR_MALFORMED); /* not into what follows */
  ck_assert_int_eq(read_vector(&reader, &view), ERR_MALFORMED);
  ck_assert(view_equal(view, VIEW_TEXT("abc")));
  reader = reader_of(VIEW_TEXT("\xbf\xff\xff\xff"));
  ck_assert_int_eq(read_items(&reader, &items), ERR_MALFORMED);
}
END_TEST

START_TEST(test_read_optional) {
  for (unsigned octet = 0; octet < 256; octet++) {
    uint8_t byte = (uint8_t)octet;
    struct reader reader = reader_of(view_of(&byte, 1));
    bool present = octet == 0;
    ck_assert_int_eq(read_optional(&reader, &present), octet < 2 ? OK : ERR_MALFORMED);
    if (octet < 2)
      ck_assert(present == (octet == 1));
  }
  struct reader empty = reader_of(VIEW_NONE);
  bool present;
  ck_assert_int_eq(read_optional(&empty, &present), ERR_MALFORMED);
}
END_TEST

/* ---- Writing ---- */

START_TEST(test_write) {
  struct writer writer = {0};
  struct bytes out = {NULL, 0};
  write_u8(&writer, 0x01);
  write_u16(&writer, 0x0203);
  write_u32(&writer, 0x04050607);
  write_u64(&writer, 0x08090a0b0c0d0e0f);
  write_optional(&writer, true);
  write_optional(&writer, false);
  write_vector(&writer, VIEW_TEXT("xy"));
  write_vector(&writer, VIEW_NONE);
  write_bytes(&writer, VIEW_NONE);
  ck_assert_int_eq(writer_take(&writer, &out), OK);
  ck_assert(
      view_equal(bytes_view(&out), VIEW_TEXT("\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\1\0\2xy\0")));
  ck_assert_ptr_null(writer.data);
  writer_free(&writer);
  bytes_free(&out);
}
END_TEST

/* The header goes in front of the items, whatever its size, and what was there stays. */
START_TEST(test_write_begin) {
  static const size_t sizes[] = {0, 1, 0x3f, 0x40, 0x3fff, 0x4000, 70000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct writer writer = {0};
    struct view vector = VIEW_NONE;
    uint8_t before = 0, after = 0;
    write_u8(&writer, 0xaa);
    size_t begin = write_begin(&writer);
    for (size_t j = 0; j < sizes[i]; j++)
      write_u8(&writer, 0xee);
    write_end(&writer, begin);
    write_u8(&writer, 0xbb);
    struct reader reader = reader_of(writer_view(&writer));
    ck_assert_int_eq(read_u8(&reader, &before), OK);
    ck_assert_int_eq(read_vector(&reader, &vector), OK);
    ck_assert_int_eq(read_u8(&reader, &after), OK);
    ck_assert_int_eq(read_end(&reader), OK);
    ck_assert_uint_eq(before, 0xaa);
    ck_assert_uint_eq(after, 0xbb);
    ck_assert_uint_eq(vector.size, sizes[i]);
    ck_assert(all_are(vector.data, vector.size, 0xee));
    writer_free(&writer);
  }
}
END_TEST

START_TEST(test_write_nested) {
  struct writer writer = {0};
  size_t outer = write_begin(&writer);
  size_t inner = write_begin(&writer);
  write_bytes(&writer, VIEW_TEXT("ab"));
  write_end(&writer, inner);
  size_t empty = write_begin(&writer);
  write_end(&writer, empty);
  write_end(&writer, outer);
  ck_assert(view_equal(writer_view(&writer), VIEW_TEXT("\4\2ab\0")));
  writer_free(&writer);
}
END_TEST

/* An error sticks, is told by writer_take(), and later writes do nothing. */
START_TEST(test_write_errors) {
  struct writer writer = {0};
  struct bytes out = {NULL, 0};
  write_u8(&writer, 1);
  write_length(&writer, 0x40000000);
  ck_assert_int_eq(writer.err, ERR_LIMIT);
  write_u8(&writer, 2);
  size_t begin = write_begin(&writer);
  write_end(&writer, begin);
  ck_assert_uint_eq(writer_view(&writer).size, 1);
  ck_assert_int_eq(writer_take(&writer, &out), ERR_LIMIT);
  ck_assert_ptr_null(out.data);
  writer_free(&writer);
  ck_assert_int_eq(writer.err, OK);
  static const uint8_t byte = 1;
  write_bytes(&writer, view_of(&byte, SIZE_MAX / 2));
  ck_assert_int_eq(writer_take(&writer, &out), ERR_NOMEM);
  writer_free(&writer);
  write_length(&writer, 0x40000000);
  write_bytes(&writer, view_of(&byte, SIZE_MAX / 2));
  ck_assert_int_eq(writer_take(&writer, &out), ERR_LIMIT); /* the first error */
  writer_free(&writer);
  write_bytes(&writer, view_of(&byte, SIZE_MAX / 2));
  write_length(&writer, 0x40000000);
  ck_assert_int_eq(writer_take(&writer, &out), ERR_NOMEM);
  writer_free(&writer);
}
END_TEST

/* ---- Arrays ---- */

START_TEST(test_mem_grow) {
  uint32_t *array = NULL;
  size_t capacity = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    ck_assert_int_eq(mem_grow(&array, &capacity, i + 1, sizeof *array), OK);
    ck_assert_uint_gt(capacity, i);
    array[i] = i;
  }
  ck_assert_uint_lt(capacity, 2000);
  for (uint32_t i = 0; i < 1000; i++)
    ck_assert_uint_eq(array[i], i);
  size_t before = capacity;
  uint32_t *where = array;
  ck_assert_int_eq(mem_grow(&array, &capacity, SIZE_MAX, sizeof *array), ERR_NOMEM);
  ck_assert_int_eq(mem_grow(&array, &capacity, SIZE_MAX / 4, sizeof *array), ERR_NOMEM);
  ck_assert_int_eq(mem_grow(&array, &capacity, SIZE_MAX / 4 + 2, sizeof *array), ERR_NOMEM);
  ck_assert_uint_eq(capacity, before);
  ck_assert_ptr_eq(array, where);
  ck_assert_int_eq(mem_grow(&array, &capacity, before, sizeof *array), OK);
  ck_assert_ptr_eq(array, where);
  /* Much more at once. */
  ck_assert_int_eq(mem_grow(&array, &capacity, 10 * before, sizeof *array), OK);
  ck_assert_uint_eq(capacity, 10 * before);
  for (uint32_t i = 0; i < 1000; i++)
    ck_assert_uint_eq(array[i], i);
  array[10 * before - 1] = 1;
  mem_free(array);
  mem_free(NULL);
}
END_TEST

START_TEST(test_mem_new) {
  uint8_t *memory = mem_new(100, 3);
  ck_assert(all_are(memory, 300, 0));
  mem_free(memory);
  void *empty = mem_new(0, 1);
  ck_assert_ptr_nonnull(empty);
  mem_free(empty);
  ck_assert_ptr_null(mem_new(SIZE_MAX / 2, 3));
  ck_assert_ptr_null(mem_new(3, SIZE_MAX / 2));
}
END_TEST

/* ---- Secrets ---- */

START_TEST(test_secret) {
  struct secret secret = {0}, other = {0};
  uint8_t bytes[SECRET_MAX + 1];
  memset(bytes, 0x5a, sizeof bytes);
  ck_assert_int_eq(secret_set(&secret, view_of(bytes, SECRET_MAX)), OK);
  ck_assert_uint_eq(secret.size, SECRET_MAX);
  ck_assert_int_eq(secret_set(&secret, view_of(bytes, SECRET_MAX + 1)), ERR_INTERNAL);
  ck_assert_uint_eq(secret.size, SECRET_MAX); /* as it was */
  ck_assert_int_eq(secret_set(&secret, view_of(bytes, 3)), OK);
  ck_assert(all_are(secret.bytes + 3, SECRET_MAX - 3, 0)); /* nothing left of the longer one */
  secret_move(&other, &secret);
  ck_assert_uint_eq(other.size, 3);
  ck_assert(view_equal(secret_view(&other), view_of(bytes, 3)));
  static const struct secret empty;
  ck_assert_mem_eq(&secret, &empty, sizeof empty);
  secret_move(&other, &other);
  ck_assert_uint_eq(other.size, 3);
  secret_wipe(&other);
  ck_assert_mem_eq(&other, &empty, sizeof empty);
  ck_assert_int_eq(secret_set(&other, VIEW_NONE), OK);
  ck_assert_uint_eq(other.size, 0);
}
END_TEST

START_TEST(test_secret_equal) {
  ck_assert(secret_equal(VIEW_NONE, VIEW_NONE));
  ck_assert(secret_equal(VIEW_TEXT("abc"), VIEW_TEXT("abc")));
  ck_assert(!secret_equal(VIEW_TEXT("abc"), VIEW_TEXT("abd")));
  ck_assert(!secret_equal(VIEW_TEXT("abc"), VIEW_TEXT("ab")));
  ck_assert(!secret_equal(VIEW_TEXT("ab"), VIEW_TEXT("abc")));
  ck_assert(!secret_equal(VIEW_NONE, VIEW_TEXT("a")));
}
END_TEST

START_TEST(test_wipe) {
  uint8_t bytes[64];
  memset(bytes, 1, sizeof bytes);
  wipe(bytes + 8, 48);
  ck_assert(all_are(bytes, 8, 1));
  ck_assert(all_are(bytes + 8, 48, 0));
  ck_assert(all_are(bytes + 56, 8, 1));
}
END_TEST

/* ---- Locked memory ---- */

static const size_t locked_sizes[] = {0, 1, 63, 64, 65, 1000, 4096, 4097, 70000};

#define LOCKED_SIZES (sizeof locked_sizes / sizeof *locked_sizes)

/* Blocks are zeroed, also those that were used before; none overlaps another. */
START_TEST(test_locked) {
  size_t size = locked_sizes[_i];
  uint8_t *blocks[70];
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < 70; i++) {
      blocks[i] = locked_new(size);
      ck_assert_ptr_nonnull(blocks[i]);
      ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
      ck_assert(all_are(blocks[i], size, 0));
      memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < 70; i++) {
      ck_assert(all_are(blocks[i], size, (uint8_t)i));
      locked_free(blocks[i], size);
    }
  }
  locked_free(NULL, size);
}
END_TEST

START_TEST(test_locked_too_large) {
  ck_assert_ptr_null(locked_new(SIZE_MAX));
  ck_assert_ptr_null(locked_new(SIZE_MAX / 2 + 1));
}
END_TEST

/* Does the kernel leave the page of this address out of core dumps?  1, 0, or -1: it does not say. */
static int left_out_of_dumps(const void *address) {
  FILE *maps = fopen("/proc/self/smaps", "r");
  char line[512];
  bool inside = false;
  int answer = -1;
  while (maps != NULL && answer < 0 && fgets(line, sizeof line, maps) != NULL) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
      inside = (uintptr_t)address >= from && (uintptr_t)address < to;
    else if (inside && strncmp(line, "VmFlags:", 8) == 0)
      answer = strstr(line, " dd") != NULL;
  }
  if (maps != NULL)
    (void)fclose(maps);
  return answer;
}

START_TEST(test_locked_is_not_dumped) {
  for (size_t i = 0; i < LOCKED_SIZES; i++) {
    void *block = locked_new(locked_sizes[i]);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_ne(left_out_of_dumps(block), 0);
    locked_free(block, locked_sizes[i]);
  }
}
END_TEST

static void *use_locked(void *argument) {
  for (size_t i = 0; i < 2000; i++) {
    size_t size = 1 + i * 7 % 200;
    uint8_t *block = locked_new(size);
    bool clean = block != NULL && block[0] == 0 && block[size - 1] == 0;
    if (!clean)
      *(bool *)argument = false;
    if (block != NULL)
      memset(block, 1, size);
    locked_free(block, size);
  }
  return NULL;
}

START_TEST(test_locked_threads) {
  pthread_t threads[4];
  bool good[4] = {true, true, true, true};
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, use_locked, &good[i]), 0);
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert(good[i]);
  }
}
END_TEST

/* ---- Refusals ---- */

START_TEST(test_why) {
  struct why why = {"before"};
  ck_assert_int_eq(require(true, &why, ERR_MALFORMED, "not said"), OK);
  ck_assert_str_eq(why.text, "before");
  ck_assert_int_eq(require(false, &why, ERR_MALFORMED, "leaf %u", 7u), ERR_MALFORMED);
  ck_assert_str_eq(why.text, "leaf 7");
  ck_assert_int_eq(refuse(&why, ERR_AUTH, "section %s", "8.1"), ERR_AUTH);
  ck_assert_str_eq(why.text, "section 8.1");
  ck_assert_int_eq(refuse(NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
  ck_assert_int_eq(require(false, NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
  ck_assert_int_eq(refuse(&why, ERR_LIMIT, "%0500d", 1), ERR_LIMIT);
  ck_assert_uint_eq(strlen(why.text), sizeof why.text - 1);
}
END_TEST

/* ---- What threads share ---- */

START_TEST(test_refs) {
  struct refs refs;
  refs_init(&refs);
  refs_take(&refs);
  refs_take(&refs);
  ck_assert(!refs_drop(&refs));
  ck_assert(!refs_drop(&refs));
  ck_assert(refs_drop(&refs));
}
END_TEST

START_TEST(test_latch) {
  static struct latch latch;
  ck_assert(latch_try(&latch));
  ck_assert(!latch_try(&latch));
  latch_leave(&latch);
  ck_assert(latch_try(&latch));
  latch_leave(&latch);
}
END_TEST

START_TEST(test_busy) {
  static struct busy busy;
  ck_assert(busy_enter(&busy));
  ck_assert(!busy_enter(&busy));
  busy_leave(&busy);
  ck_assert(busy_enter(&busy));
  busy_leave(&busy);
}
END_TEST

#define TURNS 20000

/* Guarded by a latch alone. */
static struct {
  struct latch latch;
  unsigned turns;
} shared;

/* Now and then it is held for so long that those who wait fall asleep. */
static void *take_turns(void *take) {
  const struct timespec long_time = {0, 2000000};
  for (unsigned i = 0; i < TURNS; i++) {
    (*(void (**)(struct latch *))take)(&shared.latch);
    unsigned before = shared.turns;
    if (i % (TURNS / 4) == 0)
      nanosleep(&long_time, NULL);
    shared.turns = before + 1;
    latch_leave(&shared.latch);
  }
  return NULL;
}

START_TEST(test_latch_threads) {
  void (*ways[])(struct latch *) = {latch_take, latch_take, latch_take_politely};
  pthread_t threads[3];
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turns, &ways[i]), 0);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_uint_eq(shared.turns, 3 * TURNS);
}
END_TEST

static TCase *memory_tests(void) {
  TCase *memory = tcase_create("memory");
  tcase_set_timeout(memory, 60);
  tcase_add_test(memory, test_mem_grow);
  tcase_add_test(memory, test_mem_new);
  tcase_add_test(memory, test_secret);
  tcase_add_test(memory, test_secret_equal);
  tcase_add_test(memory, test_wipe);
  tcase_add_loop_test(memory, test_locked, 0, LOCKED_SIZES);
  tcase_add_test(memory, test_locked_too_large);
  tcase_add_test(memory, test_locked_is_not_dumped);
  tcase_add_test(memory, test_locked_threads);
  tcase_add_test(memory, test_why);
  tcase_add_test(memory, test_refs);
  tcase_add_test(memory, test_latch);
  tcase_add_test(memory, test_latch_threads);
  tcase_add_test(memory, test_busy);
  return memory;
}

int main(void) {
  TCase *encoding = tcase_create("encoding");
  tcase_add_test(encoding, test_views);
  tcase_add_test(encoding, test_bytes);
  tcase_add_test(encoding, test_read_numbers);
  tcase_add_test(encoding, test_read_too_short);
  tcase_add_loop_test(encoding, test_read_length, 0, sizeof lengths / sizeof *lengths);
  tcase_add_test(encoding, test_read_vector);
  tcase_add_test(encoding, test_read_optional);
  tcase_add_test(encoding, test_write);
  tcase_add_test(encoding, test_write_begin);
  tcase_add_test(encoding, test_write_nested);
  tcase_add_test(encoding, test_write_errors);
  Suite *all = suite_create("base");
  suite_add_tcase(all, encoding);
  suite_add_tcase(all, memory_tests());
  return run_suite(all);
}
