/*
 * keypackage/SUITE/new, and message/SUITE/WHAT/BYTES: an application message of so many bytes protected
 * or unprotected in the middle of an epoch; a secret of so many bytes exported.
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "required.h"
#include "world.h"

#define MESSAGE_BYTES 100
#define EXPORT_BYTES 32
#define MEMBERS 100

static const uint16_t suites[] = {1, 2, 3};

struct state {
  struct world world;
  e2ee_group *from, *to;
  e2ee_bytes *message;
  struct meter floor;
};

static void message_drop(struct state *state) {
  e2ee_bytes_free(state->message);
  state->message = NULL;
}

static void protect(void *arg) {
  static const uint8_t text[MESSAGE_BYTES] = "all that is said";
  struct state *state = arg;
  bench_require(e2ee_group_encrypt(state->from, text, sizeof text, &state->message),
                "e2ee_group_encrypt");
}

static void before_protect(void *arg) {
  message_drop(arg);
}

static void before_unprotect(void *arg) {
  message_drop(arg);
  protect(arg);
}

static void unprotect(void *arg) {
  struct state *state = arg;
  e2ee_incoming *incoming = NULL;
  uint8_t text[MESSAGE_BYTES];
  size_t size = sizeof text;
  bench_require(e2ee_group_process(state->to, e2ee_bytes_data(state->message),
                                   e2ee_bytes_size(state->message), &incoming),
                "e2ee_group_process");
  bench_require(e2ee_incoming_data(incoming, text, &size), "e2ee_incoming_data");
  e2ee_incoming_free(incoming);
}

static void export(void *arg) {
  struct state *state = arg;
  uint8_t secret[EXPORT_BYTES];
  bench_require(e2ee_group_export(state->from, "benchmark", 9, NULL, 0, secret, sizeof secret),
                "e2ee_group_export");
}

static void before_key_package(void *arg) {
  struct state *state = arg;
  struct client *client = state->world.client[WORLD_NEAR]->client;
  message_drop(state);
  while (client->key_package_count > 0)
    client_remove_key_package(client,
                              view_of(client->key_packages[0].ref, client->suite->hash->size));
}

static void key_package(void *arg) {
  struct state *state = arg;
  bench_require(e2ee_key_package_new(state->world.client[WORLD_NEAR], &state->message),
                "e2ee_key_package_new");
}

static double floor_ns(void *arg) {
  struct state *state = arg;
  return meter_cost(state->world.suite, &state->floor);
}

static void measure(const struct bench *bench, struct state *state, const char *group,
                    const char *what, void (*prepare)(void *), void (*run)(void *),
                    struct meter required) {
  char name[80];
  (void)snprintf(name, sizeof name, "%s/%u/%s", group, (unsigned)state->world.suite->id, what);
  if (!bench_wanted(bench, name))
    return;
  for (unsigned i = 0; i < 2; i++) { /* the first message of an epoch derives more */
    if (prepare != NULL)
      prepare(state);
    meter_start(state->world.suite);
    run(state);
    struct meter called = meter_stop();
    state->floor = required_floor(&called, &required);
  }
  struct bench_call call = {name, prepare, run, floor_ns, state, 50};
  struct bench_figure figures[] = {
      {"bytes", state->message == NULL ? EXPORT_BYTES : (double)e2ee_bytes_size(state->message)}};
  bench_tell(bench, name, bench_time(&call), figures, 1);
}

static void measure_suite(const struct bench *bench, uint16_t id) {
  struct state state = {.message = NULL};
  world_fill(&state.world, suite_find(id), MEMBERS);
  state.from = world_group(&state.world, WORLD_COMMITTER);
  state.to = world_group(&state.world, WORLD_FAR);
  measure(bench, &state, "keypackage", "new", before_key_package, key_package,
          required_key_package());
  measure(bench, &state, "message", "protect/100", before_protect, protect, required_protect());
  measure(bench, &state, "message", "unprotect/100", before_unprotect, unprotect,
          required_unprotect());
  message_drop(&state);
  measure(bench, &state, "message", "export/32", NULL, export, required_export());
  e2ee_group_free(state.from);
  e2ee_group_free(state.to);
  world_stop(&state.world);
}

void bench_message(const struct bench *bench) {
  for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
    measure_suite(bench, suites[i]);
}
