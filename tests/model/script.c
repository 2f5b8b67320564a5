/* SPDX-License-Identifier: ISC */
#include "script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "steps.h"

/* ---- Dice ---- */

uint64_t dice_roll(struct dice *dice) {
  uint64_t number = dice->state += UINT64_C(0x9e3779b97f4a7c15);
  number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
  return number ^ number >> 31;
}

uint32_t dice_pick(struct dice *dice, size_t below) {
  return below == 0 ? 0 : (uint32_t)(dice_roll(dice) % below);
}

bool dice_once_in(struct dice *dice, uint32_t times) {
  return dice_pick(dice, times) == 0;
}

/* ---- Scripts ---- */

static struct line *lines_new(size_t count) {
  struct line *lines = calloc(count + 1, sizeof *lines);
  if (lines == NULL)
    abort();
  return lines;
}

void script_generate(uint64_t seed, uint16_t suite, uint32_t persons, size_t steps,
                     struct script *out) {
  struct dice dice = {seed};
  *out = (struct script){seed, suite, persons, lines_new(steps), steps};
  for (size_t i = 0; i < steps; i++)
    out->line[i] = (struct line){step_pick(&dice), dice_roll(&dice)};
}

void script_free(struct script *script) {
  free(script->line);
  *script = (struct script){0};
}

void script_without(const struct script *script, size_t first, size_t count, struct script *out) {
  size_t after = script->count - first - count;
  *out = *script;
  out->count = script->count - count;
  out->line = lines_new(out->count);
  memcpy(out->line, script->line, first * sizeof *out->line);
  memcpy(out->line + first, script->line + first + count, after * sizeof *out->line);
}

/* ---- Text: one `WORD NUMBER` a line, # begins a comment ---- */

void script_write(const struct script *script, FILE *file) {
  fprintf(file, "# Replay with: e2ee-model --script FILE\n");
  fprintf(file, "seed %" PRIu64 "\nsuite %u\nmembers %u\n", script->seed, script->suite,
          script->persons);
  for (size_t i = 0; i < script->count; i++)
    fprintf(file, "%s 0x%016" PRIx64 "\n", step_name(script->line[i].step), script->line[i].number);
}

static bool read_line(const char *text, struct script *script) {
  char word[32], digits[32];
  if (sscanf(text, "%31s %31s", word, digits) != 2)
    return false;
  uint64_t number = strtoull(digits, NULL, 0);
  if (strcmp(word, "seed") == 0) {
    script->seed = number;
  } else if (strcmp(word, "suite") == 0) {
    script->suite = (uint16_t)number;
  } else if (strcmp(word, "members") == 0) {
    script->persons = (uint32_t)number;
  } else {
    unsigned step;
    if (!step_find(word, &step))
      return false;
    script->line[script->count++] = (struct line){step, number};
  }
  return true;
}

bool script_read(const char *path, struct script *out) {
  char text[256];
  size_t lines = 0;
  bool good = true;
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    perror(path);
    return false;
  }
  while (fgets(text, sizeof text, file) != NULL)
    lines++;
  rewind(file);
  *out = (struct script){.line = lines_new(lines)};
  while (good && fgets(text, sizeof text, file) != NULL)
    good = text[0] == '#' || text[0] == '\n' || read_line(text, out);
  (void)fclose(file);
  if (!good)
    fprintf(stderr, "%s: cannot read: %s", path, text);
  return good;
}
