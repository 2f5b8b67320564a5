/*
 * The model test: random steps in a world of members who must agree.  Each run is a process of its own,
 * so that what crashes is found and shrunk as well as what is wrong.
 *
 *   e2ee-model [--seed N] [--seeds N] [--steps N] [--suite N] [--members N]
 *              [--shrink SECONDS] [--script FILE]
 *
 * A seed that fails writes the script that replays it, without the steps that it fails without.
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "steps.h"

#define RUN_SECONDS 600 /* a run that takes longer hangs */

struct options {
  uint64_t seed;
  uint32_t seeds, steps, suite, members, shrink;
  const char *script;
};

/* ---- One run ---- */

static void run(const struct script *script) {
  static struct world world;
  world_init(&world, script);
  for (size_t i = 0; i < script->count; i++) {
    report->step = i;
    step_run(&world, script->line[i].step, script->line[i].number);
    report->tally = world.tally;
  }
  world_free(&world);
}

/* @return whether all held; if not, report says what did not */
static bool try_script(const struct script *script) {
  int status = 0;
  memset(report, 0, sizeof *report);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    (void)alarm(RUN_SECONDS);
    run(script);
    exit(EXIT_SUCCESS);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) {
    perror("fork");
    exit(EXIT_FAILURE);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
    return true;
  if (report->where[0] == 0)
    snprintf(report->where, sizeof report->where, "%s %d", WIFSIGNALED(status) ? "signal" : "exit",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return false;
}

/* ---- Shrinking ---- */

/* Keep a shorter script if it fails at the same place. */
static bool adopt(struct script *script, struct script *shorter, const char *where) {
  if (try_script(shorter) || strcmp(report->where, where) != 0) {
    script_free(shorter);
    return false;
  }
  script_free(script);
  *script = *shorter;
  return true;
}

/* Drop what comes after the failure, then ever smaller pieces. */
static void shrink(struct script *script, uint32_t seconds) {
  char where[sizeof report->where];
  struct script shorter;
  time_t end = time(NULL) + (time_t)seconds;
  memcpy(where, report->where, sizeof where);
  script_without(script, report->step + 1, script->count - report->step - 1, &shorter);
  (void)adopt(script, &shorter, where);
  for (size_t piece = script->count / 2; piece > 0 && time(NULL) < end; piece /= 2) {
    for (size_t at = 0; at + piece <= script->count && time(NULL) < end;) {
      script_without(script, at, piece, &shorter);
      if (!adopt(script, &shorter, where))
        at += piece;
    }
  }
}

/* ---- Report ---- */

static void print_tally(const struct script *script) {
  const struct tally *t = &report->tally;
  printf("seed %llu, suite %u, %u members, %zu steps: %llu epochs, %llu handshakes, %llu messages, "
         "%llu reads, %llu frames, %llu joins, %llu external, %llu resyncs, %llu reinits, "
         "%llu branches, %llu restarts, %llu crashes, %llu losses, %llu refusals\n",
         (unsigned long long)script->seed, script->suite, script->persons, script->count,
         (unsigned long long)t->epochs, (unsigned long long)t->entries,
         (unsigned long long)t->messages, (unsigned long long)t->reads,
         (unsigned long long)t->frames, (unsigned long long)t->joins,
         (unsigned long long)t->externals, (unsigned long long)t->resyncs,
         (unsigned long long)t->reinits, (unsigned long long)t->branches,
         (unsigned long long)t->restarts, (unsigned long long)t->crashes,
         (unsigned long long)t->losses, (unsigned long long)t->refusals);
}

static void print_failure(const struct script *script) {
  const char *name = report->step < script->count ? step_name(script->line[report->step].step) : "";
  printf("FAILED: seed %llu, suite %u, step %zu (%s), %s: %s\n", (unsigned long long)script->seed,
         script->suite, report->step, name, report->where, report->reason);
}

static void write_failure(const struct script *script) {
  char path[64];
  snprintf(path, sizeof path, "model-%llu-%u.script", (unsigned long long)script->seed,
           script->suite);
  FILE *file = fopen(path, "w");
  if (file == NULL) {
    perror(path);
    return;
  }
  script_write(script, file);
  (void)fclose(file);
  printf("%zu steps left in %s:\n", script->count, path);
  script_write(script, stdout);
}

/* @return whether all held */
static bool test(struct script *script, uint32_t shrink_seconds) {
  bool held = try_script(script);
  if (held) {
    print_tally(script);
    return true;
  }
  print_failure(script);
  if (shrink_seconds > 0) {
    shrink(script, shrink_seconds);
    if (!try_script(script))
      print_failure(script);
    write_failure(script);
  }
  return false;
}

/* ---- Options ---- */

static bool read_options(int count, char **words, struct options *options) {
  for (int i = 1; i < count; i += 2) {
    struct {
      const char *name;
      uint32_t *value;
    } numbers[] = {{"--seeds", &options->seeds},
                   {"--steps", &options->steps},
                   {"--suite", &options->suite},
                   {"--members", &options->members},
                   {"--shrink", &options->shrink}};
    size_t found = 0;
    if (i + 1 == count)
      return false;
    if (strcmp(words[i], "--seed") == 0)
      options->seed = strtoull(words[i + 1], NULL, 0);
    else if (strcmp(words[i], "--script") == 0)
      options->script = words[i + 1];
    else {
      while (found < 5 && strcmp(words[i], numbers[found].name) != 0)
        found++;
      if (found == 5)
        return false;
      *numbers[found].value = (uint32_t)strtoul(words[i + 1], NULL, 0);
    }
  }
  return options->members >= 2 && options->members <= PERSONS_MAX && options->suite < SUITES;
}

/* Seeds take turns with the suites, all that there are unless one was asked for. */
static bool test_seeds(const struct options *options) {
  bool held = true;
  uint32_t suite = options->suite;
  for (uint32_t i = 0; i < options->seeds; i++) {
    struct script script;
    if (options->suite == 0)
      do
        suite = suite % (SUITES - 1) + 1;
      while (e2ee_supported(E2EE_SUITE_MLS, (uint16_t)suite) != 1);
    script_generate(options->seed + i, (uint16_t)suite, options->members, options->steps, &script);
    held = test(&script, options->shrink) && held;
    script_free(&script);
  }
  return held;
}

int main(int count, char **words) {
  struct options options = {.seed = 1, .seeds = 1, .steps = 1000, .members = 10, .shrink = 120};
  if (!read_options(count, words, &options)) {
    fprintf(stderr,
            "usage: %s [--seed N] [--seeds N] [--steps N] [--suite N] [--members 2..%d] "
            "[--script FILE]\n",
            words[0], PERSONS_MAX);
    return EXIT_FAILURE;
  }
  report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (report == MAP_FAILED || e2ee_init() != E2EE_OK)
    return EXIT_FAILURE;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (options.script == NULL)
    return test_seeds(&options) ? EXIT_SUCCESS : EXIT_FAILURE;
  struct script script;
  if (!script_read(options.script, &script))
    return EXIT_FAILURE;
  bool held = test(&script, 0);
  script_free(&script);
  return held ? EXIT_SUCCESS : EXIT_FAILURE;
}
