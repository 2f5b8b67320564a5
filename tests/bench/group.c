/*
 * group/SUITE/OPERATION/cold|warm/N: what members do in a group of N, and what it costs each.  A
 * commit counts until it is accepted, a message until it is applied.
 *
 * Beside each time stand what was called beyond the floor (extra_…), bytes of messages and blobs, and
 * for load the memory that the loaded state takes.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/mem.h"
#include "bench.h"
#include "meter.h"
#include "required.h"
#include "world.h"

static const uint16_t suites[] = {1, 2, 3};
static const uint32_t sizes[] = {2, 10, 100, 1000, 10000};
#define LARGE 100000u /* in suite 1, warm, where the cost is not that of all members */

#define FIGURES_MAX (METER_KINDS + 4)

/* What one call works on.  Messages are made once, and read by groups that are at the epoch's start. */
struct state {
  struct world world;
  enum world_role role;
  e2ee_group *group;
  e2ee_client *newcomer;
  e2ee_bytes *key_package;
  uint32_t removed;
  e2ee_bytes *message, *welcome;
  const e2ee_bytes *input; /* of whoever processes or joins */
  e2ee_bytes *blob;
  size_t heap;
  struct meter called, floor;
};

static const uint8_t *data(const e2ee_bytes *bytes) {
  return e2ee_bytes_data(bytes);
}

static size_t size(const e2ee_bytes *bytes) {
  return e2ee_bytes_size(bytes);
}

static void drop_group(struct state *state) {
  e2ee_group_free(state->group);
  state->group = NULL;
}

static void drop_messages(struct state *state) {
  e2ee_bytes_free(state->message);
  e2ee_bytes_free(state->welcome);
  state->message = state->welcome = NULL;
}

/* ---- Calls: commit, process, join, save, load ---- */

static void begin(void *arg) {
  struct state *state = arg;
  drop_group(state);
  state->group = world_group(&state->world, state->role);
}

static void begin_commit(void *arg) {
  drop_messages(arg);
  begin(arg);
}

static void commit(struct state *state, const e2ee_bytes *key_package, uint32_t removed) {
  e2ee_commit *commit = NULL;
  bench_require(e2ee_commit_new(state->group, &commit), "e2ee_commit_new");
  if (key_package != NULL)
    bench_require(e2ee_commit_add(commit, data(key_package), size(key_package)), "e2ee_commit_add");
  if (removed != LEAF_NONE)
    bench_require(e2ee_commit_remove(commit, removed), "e2ee_commit_remove");
  bench_require(e2ee_commit_build(commit, &state->message, &state->welcome), "e2ee_commit_build");
  bench_require(e2ee_group_commit_accepted(state->group), "e2ee_group_commit_accepted");
  e2ee_commit_free(commit);
}

static void commit_empty(void *arg) {
  commit(arg, NULL, LEAF_NONE);
}

static void commit_add(void *arg) {
  struct state *state = arg;
  commit(state, state->key_package, LEAF_NONE);
}

static void commit_remove(void *arg) {
  struct state *state = arg;
  commit(state, NULL, state->removed);
}

static void process(void *arg) {
  struct state *state = arg;
  e2ee_incoming *incoming = NULL;
  bench_require(
      e2ee_group_process(state->group, data(state->message), size(state->message), &incoming),
      "e2ee_group_process");
  bench_require(e2ee_incoming_accept(incoming), "e2ee_incoming_accept");
  e2ee_incoming_free(incoming);
}

/* The Welcome is the same each time, and each time it is as if the client had not joined by it. */
static void begin_join(void *arg) {
  struct state *state = arg;
  drop_group(state);
  state->newcomer->client->key_packages[0].joined_count = 0;
}

static void join(void *arg) {
  struct state *state = arg;
  e2ee_incoming *incoming = NULL;
  bench_require(e2ee_welcome_open(state->newcomer, data(state->input), size(state->input), NULL, 0,
                                  &incoming),
                "e2ee_welcome_open");
  bench_require(e2ee_incoming_join(incoming, &state->group), "e2ee_incoming_join");
  e2ee_incoming_free(incoming);
}

static const uint8_t blob_key[32];

static void begin_save(void *arg) {
  struct state *state = arg;
  e2ee_bytes_free(state->blob);
  state->blob = NULL;
}

static void save(void *arg) {
  struct state *state = arg;
  bench_require(e2ee_group_save(state->group, blob_key, sizeof blob_key, &state->blob),
                "e2ee_group_save");
}

/* What the heap holds, its own bookkeeping included; locked pages are not in it. */
static size_t heap_bytes(void) {
#ifdef __GLIBC__
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

static void begin_load(void *arg) {
  drop_group(arg);
}

static void load(void *arg) {
  struct state *state = arg;
  bench_require(e2ee_group_load(state->world.client[state->role], blob_key, sizeof blob_key,
                                data(state->blob), size(state->blob), &state->group),
                "e2ee_group_load");
}

/* ---- Measuring ---- */

static double floor_ns(void *arg) {
  struct state *state = arg;
  return meter_cost(state->world.suite, &state->floor);
}

static void count_calls(struct state *state, void (*prepare)(void *), void (*run)(void *),
                        const struct meter *required) {
  if (prepare != NULL)
    prepare(state);
  meter_start(state->world.suite);
  run(state);
  state->called = meter_stop();
  if (required != NULL)
    state->floor = required_floor(&state->called, required);
}

/* What was called beyond the floor. */
static size_t extra_figures(const struct state *state, struct bench_figure *figures,
                            char names[][32]) {
  size_t count = 0;
  for (size_t kind = 0; kind < METER_KINDS; kind++) {
    double extra = state->called.count[kind] - state->floor.count[kind];
    if (extra <= 0)
      continue;
    (void)snprintf(names[count], sizeof names[count], "extra_%s",
                   meter_name((enum meter_kind)kind));
    figures[count] = (struct bench_figure){names[count], extra};
    count++;
  }
  return count;
}

/* One operation: its name, its work, what is required, and further figures. */
struct operation {
  const char *name;
  void (*prepare)(void *);
  void (*run)(void *);
  const struct meter *required; /* NULL: there is no floor */
  struct bench_figure figures[2];
};

static void name_of(const struct state *state, const char *operation, char out[80]) {
  (void)snprintf(out, 80, "group/%u/%s/%s/%u", (unsigned)state->world.suite->id, operation,
                 state->world.warm ? "warm" : "cold", (unsigned)state->world.size);
}

static bool wants(const struct bench *bench, const struct state *state, const char *operation) {
  char name[80];
  name_of(state, operation, name);
  return bench_wanted(bench, name);
}

static void measure(const struct bench *bench, struct state *state,
                    const struct operation *operation) {
  char name[80], names[METER_KINDS][32];
  struct bench_figure figures[FIGURES_MAX];
  size_t count = 0;
  name_of(state, operation->name, name);
  if (!bench_wanted(bench, name))
    return;
  count_calls(state, operation->prepare, operation->run, operation->required);
  struct bench_call call = {name,           operation->prepare,
                            operation->run, operation->required == NULL ? NULL : floor_ns,
                            state,          3};
  struct bench_result result = bench_time(&call);
  for (size_t i = 0; i < 2 && operation->figures[i].name != NULL; i++)
    figures[count++] = operation->figures[i];
  if (operation->required != NULL)
    count += extra_figures(state, figures + count, names);
  bench_tell(bench, name, result, figures, count);
}

/* ---- One commit from both sides ---- */

/* Make the message of a commit, and tell its shape for whoever receives it. */
static struct shape make_commit(struct state *state, void (*run)(void *), uint32_t receiver,
                                const uint32_t *changed, size_t changed_count, uint32_t added) {
  state->role = WORLD_COMMITTER;
  begin_commit(state);
  run(state);
  return shape_of(state->world.tree, state->group->group->epoch->tree, 0, receiver, changed,
                  changed_count, added);
}

static void measure_commit(const struct bench *bench, struct state *state, const char *name,
                           void (*run)(void *), const uint32_t *changed, size_t changed_count,
                           uint32_t added) {
  if (!wants(bench, state, name))
    return;
  struct shape shape = make_commit(state, run, 1, changed, changed_count, added);
  struct meter required = required_commit(&shape);
  struct operation operation = {
      name,
      begin_commit,
      run,
      &required,
      {{"bytes", (double)size(state->message)},
       {state->welcome == NULL ? NULL : "welcome_bytes", (double)size(state->welcome)}}};
  measure(bench, state, &operation);
}

static void measure_process(const struct bench *bench, struct state *state, const char *name,
                            enum world_role role, void (*run)(void *), const uint32_t *changed,
                            size_t changed_count, uint32_t added) {
  if (!wants(bench, state, name))
    return;
  struct shape shape =
      make_commit(state, run, state->world.leaf[role], changed, changed_count, added);
  struct meter required = required_process(&shape);
  struct operation operation = {
      name, begin, process, &required, {{"bytes", (double)size(state->message)}}};
  state->role = role;
  measure(bench, state, &operation);
}

static void measure_commits(const struct bench *bench, struct state *state) {
  const uint32_t *removed = &state->removed;
  uint32_t added = tree_members(state->world.tree); /* all leaves before are taken */
  measure_commit(bench, state, "commit", commit_empty, NULL, 0, 0);
  measure_process(bench, state, "process-far", WORLD_FAR, commit_empty, NULL, 0, 0);
  measure_process(bench, state, "process-near", WORLD_NEAR, commit_empty, NULL, 0, 0);
  measure_commit(bench, state, "add", commit_add, &added, 1, 1);
  measure_process(bench, state, "process-add", WORLD_FAR, commit_add, &added, 1, 1);
  if (state->world.size <= 2)
    return; /* nobody would be left to process it */
  measure_commit(bench, state, "remove", commit_remove, removed, 1, 0);
  measure_process(bench, state, "process-remove", WORLD_FAR, commit_remove, removed, 1, 0);
}

/* ---- State ---- */

static double state_bytes(struct state *state) {
  begin_load(state);
  size_t before = heap_bytes();
  load(state);
  return (double)(heap_bytes() - before);
}

/* After one commit, as an app would do before it sends. */
static void measure_state(const struct bench *bench, struct state *state) {
  if (!wants(bench, state, "save") && !wants(bench, state, "load"))
    return;
  state->role = WORLD_COMMITTER;
  begin_commit(state);
  commit_empty(state);
  begin_save(state);
  save(state);
  struct operation saving = {
      "save", begin_save, save, NULL, {{"bytes", (double)size(state->blob)}}};
  measure(bench, state, &saving);
  struct operation loading = {
      "load",
      begin_load,
      load,
      NULL,
      {{"bytes", (double)size(state->blob)}, {"heap_bytes", state_bytes(state)}}};
  measure(bench, state, &loading);
  begin_save(state);
}

static void measure_join(const struct bench *bench, struct state *state) {
  if (!wants(bench, state, "join"))
    return;
  state->role = WORLD_COMMITTER;
  begin_commit(state);
  commit_add(state);
  state->input = state->welcome;
  struct tree *tree = tree_share(state->group->group->epoch->tree);
  struct meter required = required_join(tree, 0, tree_members(state->world.tree));
  struct operation operation = {
      "join", begin_join, join, &required, {{"bytes", (double)size(state->welcome)}}};
  measure(bench, state, &operation);
  tree_drop(tree);
}

static void measure_world(const struct bench *bench, struct state *state) {
  state->newcomer = world_client(state->world.suite, "newcomer");
  state->removed = state->world.size / 2;
  bench_require(e2ee_key_package_new_last_resort(state->newcomer, &state->key_package),
                "key package");
  measure_commits(bench, state);
  if (state->world.size < LARGE) {
    measure_join(bench, state);
    measure_state(bench, state);
  }
  drop_group(state);
  drop_messages(state);
  e2ee_bytes_free(state->key_package);
  e2ee_client_free(state->newcomer);
  world_stop(&state->world);
}

/* ---- Creating a group in one commit ---- */

struct creation {
  const struct suite *suite;
  uint32_t size;
  e2ee_client *client[WORLD_ROLES];
  e2ee_group *group[WORLD_ROLES];
  e2ee_bytes **key_package; /* of all but the creator */
  e2ee_bytes *message, *welcome;
  struct meter floor;
};

static void begin_create(void *arg) {
  struct creation *creation = arg;
  e2ee_bytes_free(creation->message);
  e2ee_bytes_free(creation->welcome);
  creation->message = creation->welcome = NULL;
  e2ee_group_free(creation->group[WORLD_COMMITTER]);
  bench_require(e2ee_group_new(creation->client[WORLD_COMMITTER], (const uint8_t *)"benchmark", 9,
                               &creation->group[WORLD_COMMITTER]),
                "e2ee_group_new");
}

static void create(void *arg) {
  struct creation *creation = arg;
  e2ee_group *group = creation->group[WORLD_COMMITTER];
  e2ee_commit *commit = NULL;
  bench_require(e2ee_commit_new(group, &commit), "e2ee_commit_new");
  for (uint32_t i = 1; i < creation->size; i++)
    bench_require(
        e2ee_commit_add(commit, data(creation->key_package[i]), size(creation->key_package[i])),
        "e2ee_commit_add");
  bench_require(e2ee_commit_build(commit, &creation->message, &creation->welcome),
                "e2ee_commit_build");
  bench_require(e2ee_group_commit_accepted(group), "e2ee_group_commit_accepted");
  e2ee_commit_free(commit);
}

static void publish_all(struct creation *creation) {
  for (uint32_t i = 1; i < creation->size; i++) {
    bool near = i == 1, far = i == creation->size - 1;
    e2ee_client *client = near || far ? creation->client[near ? WORLD_NEAR : WORLD_FAR]
                                      : world_client(creation->suite, "benchmark");
    bench_require(e2ee_key_package_new_last_resort(client, &creation->key_package[i]),
                  "key package");
    if (!near && !far)
      e2ee_client_free(client);
  }
}

static double create_floor(void *arg) {
  struct creation *creation = arg;
  return meter_cost(creation->suite, &creation->floor);
}

static void measure_create(const struct bench *bench, struct creation *creation) {
  char name[80], names[METER_KINDS][32];
  struct bench_figure figures[FIGURES_MAX];
  struct tree *before = NULL;
  (void)snprintf(name, sizeof name, "group/%u/create/cold/%u", (unsigned)creation->suite->id,
                 (unsigned)creation->size);
  begin_create(creation);
  before = tree_share(creation->group[WORLD_COMMITTER]->group->epoch->tree);
  if (!bench_wanted(bench, name)) {
    create(creation);
    tree_drop(before);
    return;
  }
  struct state counts = {.role = WORLD_COMMITTER};
  meter_start(creation->suite);
  create(creation);
  counts.called = meter_stop();
  const struct tree *after = creation->group[WORLD_COMMITTER]->group->epoch->tree;
  struct shape shape = shape_of(before, after, 0, 1, (uint32_t[]){1, 2}, 2, creation->size - 1);
  struct meter required = required_commit(&shape);
  counts.floor = creation->floor = required_floor(&counts.called, &required);
  struct bench_call call = {name, begin_create, create, create_floor, creation, 1};
  struct bench_result result = bench_time(&call);
  figures[0] = (struct bench_figure){"bytes", (double)size(creation->message)};
  figures[1] = (struct bench_figure){"welcome_bytes", (double)size(creation->welcome)};
  size_t count = 2 + extra_figures(&counts, figures + 2, names);
  bench_tell(bench, name, result, figures, count);
  tree_drop(before);
}

static void join_created(struct creation *creation, enum world_role role) {
  e2ee_incoming *incoming = NULL;
  bench_require(e2ee_welcome_open(creation->client[role], data(creation->welcome),
                                  size(creation->welcome), NULL, 0, &incoming),
                "e2ee_welcome_open");
  bench_require(e2ee_incoming_join(incoming, &creation->group[role]), "e2ee_incoming_join");
  e2ee_incoming_free(incoming);
}

static void creation_free(struct creation *creation) {
  for (uint32_t i = 1; i < creation->size; i++)
    e2ee_bytes_free(creation->key_package[i]);
  mem_free(creation->key_package);
  e2ee_bytes_free(creation->message);
  e2ee_bytes_free(creation->welcome);
  for (size_t role = 0; role < WORLD_ROLES; role++) {
    if (role != WORLD_FAR || creation->size > 2)
      e2ee_group_free(creation->group[role]);
    e2ee_client_free(creation->client[role]);
  }
}

/* Create a cold group, and go on in it. */
static void create_world(const struct bench *bench, const struct suite *suite, uint32_t members,
                         struct world *world) {
  struct creation creation = {.suite = suite, .size = members};
  creation.key_package = mem_new(members, sizeof *creation.key_package);
  bench_require(creation.key_package == NULL ? E2EE_ERR_NOMEM : 0, "key packages");
  for (size_t role = 0; role < WORLD_ROLES; role++)
    creation.client[role] = world_client(suite, "benchmark");
  if (members == 2) { /* the member beside is the one far away, too */
    e2ee_client_free(creation.client[WORLD_FAR]);
    creation.client[WORLD_FAR] = api_client_share(creation.client[WORLD_NEAR]);
  }
  publish_all(&creation);
  measure_create(bench, &creation);
  join_created(&creation, WORLD_NEAR);
  if (members > 2)
    join_created(&creation, WORLD_FAR);
  else
    creation.group[WORLD_FAR] = creation.group[WORLD_NEAR];
  world_take(world, creation.client, creation.group);
  creation_free(&creation);
}

/* ---- Names ---- */

static const char *const operations[] = {"create",         "join", "commit",      "process-far",
                                         "process-near",   "add",  "process-add", "remove",
                                         "process-remove", "save", "load"};

static bool wants_any(const struct bench *bench, unsigned suite, const char *tree,
                      uint32_t members) {
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
    char name[80];
    (void)snprintf(name, sizeof name, "group/%u/%s/%s/%u", suite, operations[i], tree,
                   (unsigned)members);
    if (bench_wanted(bench, name))
      return true;
  }
  return false;
}

static void measure_warm(const struct bench *bench, uint16_t suite, uint32_t members) {
  struct state state = {.role = WORLD_COMMITTER};
  if (!wants_any(bench, suite, "warm", members))
    return;
  world_fill(&state.world, suite_find(suite), members);
  measure_world(bench, &state);
}

static void measure_cold(const struct bench *bench, uint16_t suite, uint32_t members) {
  struct state state = {.role = WORLD_COMMITTER};
  if (!wants_any(bench, suite, "cold", members))
    return;
  create_world(bench, suite_find(suite), members, &state.world);
  measure_world(bench, &state);
}

/* Without OpenSSL the NIST curves take milliseconds, and a large group of them many minutes. */
static bool is_affordable(uint16_t suite, uint32_t members) {
  return members <= 100 || strcmp(meter_group(suite_find(suite))->backend, "libtomcrypt") != 0;
}

void bench_group(const struct bench *bench) {
  for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
    for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
      if (!is_affordable(suites[i], sizes[j]))
        continue;
      measure_cold(bench, suites[i], sizes[j]);
      measure_warm(bench, suites[i], sizes[j]);
    }
  }
  measure_warm(bench, suites[0], LARGE);
}
