/* SPDX-License-Identifier: ISC */
#include "badinput.h"

#include <string.h>

#define WATCHED_MAX 4

struct outputs out;

static const struct member *watched;
static size_t watched_count;
static struct facts before[WATCHED_MAX];

void watch(const struct member *members, size_t count) {
  ck_assert_uint_le(count, WATCHED_MAX);
  watched = members;
  watched_count = count;
  for (size_t i = 0; i < count; i++)
    before[i] = facts_of(members[i].group);
}

/* What an output holds before a call, so that NULL is seen to be written. */
static uint8_t rubbish;
#define RUBBISH ((void *)&rubbish)
#define UNTOUCHED 0xa5

void badinput_prepare(void) {
  out.client = RUBBISH;
  out.group = RUBBISH;
  out.commit = RUBBISH;
  out.incoming = RUBBISH;
  out.media = RUBBISH;
  out.bytes = out.second = RUBBISH;
  memset(out.data, UNTOUCHED, sizeof out.data);
  out.size = sizeof out.data;
}

void badinput_check(const char *call) {
  const struct {
    const char *name;
    const void *value;
  } outputs[] = {
      {"&out.client", out.client},     {"&out.group", out.group}, {"&out.commit", out.commit},
      {"&out.incoming", out.incoming}, {"&out.media", out.media}, {"&out.bytes", out.bytes},
      {"&out.second", out.second},
  };
  for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
    ck_assert_msg(outputs[i].value == (strstr(call, outputs[i].name) != NULL ? NULL : RUBBISH),
                  "%s left something in %s", call, outputs[i].name);
  for (size_t i = 0; i < sizeof out.data; i++)
    ck_assert_msg(out.data[i] == UNTOUCHED, "%s wrote to its buffer", call);
  for (size_t i = 0; i < watched_count; i++)
    expect_unchanged(watched[i].group, &before[i]);
}
