/*
 * A group with a member, and a stranger, that break one rule at a time: what they send is bent as the
 * input says, and then signed, authenticated and encrypted anew, so that nothing else is wrong with it.
 * The forger is that of tests/reject.  Nothing may crash; a refusal leaves no trace; honest members who
 * see the same say the same; those who accept are in one epoch with one set of secrets, and can go on.
 * SPDX-License-Identifier: ISC
 */
#include "bends.h"
#include "state/snapshot.h"

#define MESSAGES_MAX 4

enum kind {
  KIND_COMMIT,
  KIND_PROPOSAL,
  KIND_EXTERNAL_COMMIT,
  KIND_WELCOME,
  KIND_GROUP_INFO,
  KIND_TEXT,
  KINDS
};

static const uint8_t state_key[32];
/* One for each subtree that the path of the forger encrypts to. */
static const uint32_t honest[] = {ALICE, CAROL, ERIN};
#define HONEST (sizeof honest / sizeof honest[0])

static struct settings settings;
static struct bytes saved_clients[MEMBERS], saved_groups[MEMBERS], saved_joiner;
static struct world world;
static struct bender bender;
static bool changed; /* somebody took something */

/* ---- The world, as it is before every input ---- */

static void save_member(const struct member *member, struct bytes *client, struct bytes *group) {
  ck_assert_int_eq(snapshot_save_client(member->client, VIEW_ARRAY(state_key), client), OK);
  if (member->group != NULL)
    ck_assert_int_eq(snapshot_save_group(member->group, VIEW_ARRAY(state_key), group), OK);
}

static void load_member(struct member *member, const struct bytes *client,
                        const struct bytes *group) {
  struct why why;
  ck_assert_int_eq(
      snapshot_load_client(VIEW_ARRAY(state_key), bytes_view(client), &why, &member->client), OK);
  member->client->settings = settings;
  if (group != NULL)
    ck_assert_int_eq(snapshot_load_group(member->client, VIEW_ARRAY(state_key), bytes_view(group),
                                         &member->group),
                     OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  struct bytes none = {0};
  harness_start();
  world_time = HARNESS_TIME;
  world_init(&world, 1);
  (void)known_psk(&world);
  settings = world.joiner.client->settings;
  for (uint32_t i = 0; i < MEMBERS; i++)
    save_member(&world.member[i], &saved_clients[i], &saved_groups[i]);
  save_member(&world.joiner, &saved_joiner, &none);
  world_free(&world);
  return 0;
}

static void load_world(void) {
  world = (struct world){0};
  for (size_t i = 0; i < HONEST; i++)
    load_member(&world.member[honest[i]], &saved_clients[honest[i]], &saved_groups[honest[i]]);
  load_member(&world.member[MALLORY], &saved_clients[MALLORY], &saved_groups[MALLORY]);
  load_member(&world.joiner, &saved_joiner, NULL);
}

/* ---- What must hold ---- */

/* Not the library's own fault. */
static bool fine(enum err err) {
  harness_require(err > ERR_NOMEM && err != ERR_BUSY, "a call failed by the library's own fault");
  return err == OK;
}

static void expect_same(const struct member *member, struct bytes *before) {
  struct bytes after = state_of(member);
  harness_require(view_equal(bytes_view(before), bytes_view(&after)), "a refusal left a trace");
  bytes_free(&after);
}

enum verdict { REFUSED, ACCEPTED, REMOVED };

static enum verdict judge(struct member *member, const struct bytes *message) {
  struct incoming *incoming = NULL;
  struct bytes before = state_of(member);
  enum verdict verdict = REFUSED;
  if (fine(process_message(member->group, bytes_view(message), &incoming)) &&
      (incoming->kind == E2EE_INCOMING_APPLICATION || fine(process_accept(incoming))))
    verdict = incoming->removes_own ? REMOVED : ACCEPTED;
  else
    expect_same(member, &before);
  incoming_free(incoming);
  bytes_free(&before);
  return verdict;
}

static void expect_shared(const struct epoch *one, const struct epoch *other) {
  harness_require(view_equal(bytes_view(&one->context_raw), bytes_view(&other->context_raw)),
                  "one message, two epochs");
  harness_require(
      view_equal(secret_view(&one->secrets->exporter), secret_view(&other->secrets->exporter)) &&
          view_equal(secret_view(&one->secrets->init), secret_view(&other->secrets->init)),
      "one epoch, two secrets");
}

/* Everybody gets a message, and takes it or not.  @return whether a member stays that took it */
static bool deliver(const struct bytes *message) {
  const struct group *taker = NULL;
  bool refused = false;
  for (size_t i = 0; i < HONEST; i++) {
    struct member *member = &world.member[honest[i]];
    if (member->group->left)
      continue;
    enum verdict verdict = judge(member, message);
    refused = refused || verdict == REFUSED;
    if (verdict != ACCEPTED)
      continue;
    if (taker != NULL)
      expect_shared(taker->epoch, member->group->epoch);
    taker = member->group;
    changed = true;
  }
  harness_require(taker == NULL || !refused || bender.hidden, "members disagree about one message");
  return taker != NULL;
}

/* Whoever is left commits what waits, and the others follow, unless their paths were poisoned. */
static void go_on(void) {
  struct member *by = NULL;
  for (size_t i = 0; i < HONEST && by == NULL; i++)
    if (group_check_active(world.member[honest[i]].group) == OK)
      by = &world.member[honest[i]];
  if (by == NULL || bender.hidden || !changed)
    return;
  bool built = fine(commit_build(by->group, &(struct commit_plan){0}));
  harness_require(built, "nobody can commit any more");
  for (size_t i = 0; i < HONEST; i++) {
    struct member *member = &world.member[honest[i]];
    if (member != by && !member->group->left)
      harness_require(judge(member, &by->group->pending->message) != REFUSED,
                      "an honest commit was refused");
  }
}

/* ---- Messages of every kind ---- */

static void protect(struct letter *letter) {
  struct bytes message = {0};
  bend_protect(&bender, letter, &message);
  letter_end(letter);
  deliver(&message);
  bytes_free(&message);
}

static void send_letter(uint8_t content_type, struct view body) {
  struct letter letter;
  letter_begin(&letter, &world.member[MALLORY], content_type, body);
  if (bend_byte(&bender) % 2 == 0)
    letter.wire_format = WIRE_PRIVATE_MESSAGE;
  bend_unsigned(&bender, &world, &letter);
  letter_sign(&letter);
  bend_signed(&bender, &letter);
  protect(&letter);
}

static void send_proposal(void) {
  struct bytes proposal = bend_proposal(&bender, &world, &world.member[MALLORY]);
  send_letter(CONTENT_PROPOSAL, bytes_view(&proposal));
  bytes_free(&proposal);
}

/* @return whether it was taken */
static bool send_commit(struct forgery *forgery) {
  struct letter letter;
  struct bytes message = {0};
  forgery_body(forgery);
  if (bend_byte(&bender) % 16 == 1) {
    forgery->body.data[bend_byte(&bender) % forgery->body.size] ^= bend_byte(&bender);
    bender.hidden = true;
  }
  forgery_letter(forgery, &letter);
  bend_unsigned(&bender, &world, &letter);
  letter_sign(&letter);
  forgery_confirm(forgery, &letter);
  bend_signed(&bender, &letter);
  bend_protect(&bender, &letter, &message);
  letter_end(&letter);
  bool was_taken = deliver(&message);
  bytes_free(&message);
  forgery_end(forgery);
  return was_taken;
}

static bool commit(void) {
  struct forgery forgery;
  struct member *mallory = &world.member[MALLORY];
  uint8_t bits = bend_byte(&bender);
  forgery_begin(&forgery, mallory);
  forgery.encrypt = (bits & 1) != 0;
  for (unsigned i = 0; i < (bits >> 1) % FORGED_ITEMS; i++)
    bend_list(&bender, &world, &forgery, mallory);
  if ((bits & 16) == 0)
    bend_path(&bender, &world, &forgery);
  return send_commit(&forgery);
}

static bool commit_from_outside(void) {
  struct forgery forgery;
  uint8_t bits = bend_byte(&bender);
  struct member *by = (bits & 1) != 0 ? &world.member[MALLORY] : &world.joiner;
  forgery_external(&forgery, by->client, world.member[MALLORY].group->epoch);
  if ((bits & 32) == 0)
    forgery_list(&forgery, forgery_external_init(&forgery));
  if (by != &world.joiner)
    forgery_item(&forgery, propose_remove(MALLORY));
  for (unsigned i = 0; i < (bits >> 1) % 3; i++)
    bend_list(&bender, &world, &forgery, by);
  bend_path(&bender, &world, &forgery);
  if ((bits & 192) == 192)
    forgery.has_path = false;
  return send_commit(&forgery);
}

/* Who joined can speak, commit, and be saved and loaded. */
static void use_joined(void) {
  struct bytes text = {0}, blob = {0};
  struct group *group = world.joiner.group, *loaded = NULL;
  struct client *client = world.joiner.client;
  fine(group_encrypt(group, VIEW_TEXT("text"), &text));
  fine(commit_build(group, &(struct commit_plan){0}));
  ck_assert_int_eq(snapshot_save_group(group, VIEW_ARRAY(state_key), &blob), OK);
  ck_assert_int_eq(snapshot_load_group(client, VIEW_ARRAY(state_key), bytes_view(&blob), &loaded),
                   OK);
  group_free(loaded);
  bytes_free(&text);
  bytes_free(&blob);
}

static void send_welcome(void) {
  struct invite invite;
  struct bytes message = {0};
  struct opened_welcome opened = {0};
  struct client *client = world.joiner.client;
  invite_begin(&invite, &world);
  bend_invitation(&bender, &world, &invite);
  invite_send(&invite, &message);
  struct bytes before = state_of(&world.joiner);
  if (fine(join_open_welcome(client, bytes_view(&message), bytes_view(&world.beside), &opened)) &&
      fine(join_accept_welcome(client, &opened, &world.joiner.group)))
    use_joined();
  else
    expect_same(&world.joiner, &before);
  opened_welcome_free(&opened);
  bytes_free(&before);
  bytes_free(&message);
}

static void send_group_info(void) {
  struct invite invite;
  struct bytes message = {0};
  invite_begin(&invite, &world);
  if (bend_byte(&bender) % 4 == 0) { /* of the epoch that the others are in */
    invite.context = world.member[ALICE].group->epoch->context;
    invite_set_tree(&invite, tree_share(world.member[ALICE].group->epoch->tree));
    invite.confirmation_tag = epoch_confirmation_tag(world.member[ALICE].group->epoch);
    bender.hidden = true; /* it may come without the external_pub that is right */
  }
  bend_invitation(&bender, &world, &invite);
  invite_publish(&invite, &message);
  struct bytes before = state_of(&world.joiner);
  if (fine(join_external(world.joiner.client, bytes_view(&message), bytes_view(&world.beside),
                         &world.joiner.group)))
    deliver(&world.joiner.group->pending->message);
  else
    expect_same(&world.joiner, &before);
  bytes_free(&before);
  bytes_free(&message);
}

/* @return whether the world has become another, in which the forger does not know its way */
static bool play(void) {
  switch ((enum kind)(bend_byte(&bender) % KINDS)) {
  case KIND_COMMIT:
    return commit();
  case KIND_PROPOSAL:
    send_proposal();
    return false;
  case KIND_EXTERNAL_COMMIT:
    return commit_from_outside();
  case KIND_WELCOME:
    send_welcome();
    return true;
  case KIND_GROUP_INFO:
    send_group_info();
    return true;
  case KIND_TEXT:
  case KINDS:
    send_letter(CONTENT_APPLICATION, bend_block(&bender));
  }
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  harness_restart();
  bender = (struct bender){.input = view_of(data, size)};
  changed = false;
  load_world();
  for (unsigned i = 0; i < MESSAGES_MAX && bender.input.size > 0; i++)
    if (play())
      break;
  go_on();
  bend_end(&bender);
  world_free(&world);
  return 0;
}
