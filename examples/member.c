/* SPDX-License-Identifier: ISC */
#include "member.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When senders change to a new epoch and when the old one's keys are wiped, after its commit.
 * Where somebody was removed, senders change at once. */
enum { ACTIVATE_US = 300000, RETIRE_US = 2000000, LINGER_US = 1000000 };

/* ---- Telling ---------------------------------------------------------------- */

void member_say(const struct member *me, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("%s: ", me->name);
  vprintf(format, arguments);
  putchar('\n');
  fflush(stdout);
  va_end(arguments);
}

/** Say why a call failed: the code for the program, the sentence for the person. */
static void complain(const struct member *me, const char *what, int err) {
  char why[512] = "";
  size_t length = sizeof why - 1;
  if (e2ee_client_explain(me->memory.client, (uint8_t *)why, &length) == E2EE_OK) {
    why[length] = 0;
  }
  member_say(me, "%s: %s (%d)%s%s", what, e2ee_strerror(err), err, why[0] ? ": " : "", why);
}

e2ee_group_status member_status(const struct member *me) {
  e2ee_group_status status = {0};
  if (!me->memory.group ||
      e2ee_group_get_status(me->memory.group, &status, sizeof status) != E2EE_OK) {
    status.state = E2EE_GROUP_LEFT;
  }
  return status;
}

static bool member_name(const struct member *me, uint32_t leaf, char out[NAME_MAX_LENGTH + 1]) {
  uint8_t identity[NAME_MAX_LENGTH];
  size_t length = sizeof identity;
  return e2ee_group_member(me->memory.group, leaf, E2EE_MEMBER_IDENTITY, identity, &length) ==
             E2EE_OK &&
         name_read((struct slice){identity, length}, out);
}

/** Write down the safety code and the members of the epoch: what people would compare. */
static void note_epoch(const struct member *me) {
  char path[4096];
  char name[NAME_MAX_LENGTH + 1];
  char code[256] = "";
  size_t length = sizeof code - 1;
  uint32_t leaf = UINT32_MAX;
  const e2ee_group_status status = member_status(me);
  const int err = e2ee_group_safety_code(me->memory.group, (uint8_t *)code, &length);
  snprintf(path, sizeof path, "%s/epochs.txt", me->folder);
  FILE *file = fopen(path, "a");
  if (err != E2EE_OK || !file) {
    complain(me, "no safety code", err);
    return;
  }
  for (char *at = code; *at; at++) {
    *at = *at == ' ' ? '-' : *at;
  }
  fprintf(file, "%llu %s", (unsigned long long)status.epoch, code);
  while (e2ee_group_member_next(me->memory.group, &leaf) == 1) {
    fprintf(file, " %s", member_name(me, leaf, name) ? name : "?");
  }
  fprintf(file, "\n");
  fclose(file);
  member_say(me, "epoch %llu, %u members, safety code %.17s...", (unsigned long long)status.epoch,
             status.members, code);
}

/* ---- To the relay ------------------------------------------------------------ */

static struct slice slice_of(const e2ee_bytes *bytes) {
  return (struct slice){e2ee_bytes_data(bytes), e2ee_bytes_size(bytes)};
}

void member_send(struct member *me, const struct message *message) {
  size_t size = 0;
  uint8_t *bytes = message_encode(message, &size);
  if (!wire_send(&me->relay, bytes, size)) {
    member_say(me, "the relay is gone");
    exit(1);
  }
  free(bytes);
}

static void save(struct member *me) {
  if (!store_save(&me->store, &me->memory)) {
    member_say(me, "cannot save, so nothing more is sent");
    exit(1);
  }
  me->saved_revision = member_status(me).revision;
}

/** Handshake messages all go this way: what was sent can never be unknown after a crash. */
static void save_and_send(struct member *me, const struct message *message) {
  save(me);
  member_send(me, message);
}

void member_publish_key_package(struct member *me) {
  e2ee_bytes *key_package = NULL;
  const int err = e2ee_key_package_new(me->memory.client, &key_package);
  if (err != E2EE_OK) {
    complain(me, "no key package", err);
    return;
  }
  save_and_send(me, &(struct message){WIRE_KEY_PACKAGE, 1, {slice_of(key_package)}});
  e2ee_bytes_free(key_package);
}

static void publish_group_info(struct member *me) {
  e2ee_bytes *group_info = NULL;
  const int err = e2ee_group_info(me->memory.group, &group_info);
  if (err != E2EE_OK) {
    complain(me, "no GroupInfo", err);
    return;
  }
  save_and_send(me, &(struct message){WIRE_GROUP_INFO, 1, {slice_of(group_info)}});
  e2ee_bytes_free(group_info);
}

/** Send the pending commit, new or found again after a restart.  The note names who is invited. */
static void send_commit(struct member *me, const e2ee_bytes *commit, const e2ee_bytes *welcome) {
  char names[STORE_NOTE];
  char *rest = NULL;
  struct message message = {WIRE_COMMIT, 2, {slice_of(commit), slice_of(welcome)}};
  memcpy(names, me->memory.note, sizeof names);
  for (char *name = strtok_r(names, " ", &rest); name && message.count < WIRE_MAX_FIELDS;
       name = strtok_r(NULL, " ", &rest)) {
    message.field[message.count++] = text(name);
  }
  save_and_send(me, &message);
}

/* ---- Media keys follow the epoch --------------------------------------------- */

/** Install at once, so that no frame of another member's comes too early.  Senders follow when
 *  the others have had time to install, and the old keys are wiped when late frames are in. */
static void switch_keys(struct member *me, uint64_t delay_us) {
  const uint64_t epoch = member_status(me).epoch;
  const int err = e2ee_media_install(me->media, me->memory.group);
  if (err != E2EE_OK || me->switch_count == MAX_SWITCHES) {
    complain(me, "cannot install media keys", err);
    return;
  }
  const uint64_t at = clock_us() + delay_us;
  me->switches[me->switch_count++] =
      (struct epoch_switch){.epoch = epoch, .activate_at = at, .retire_at = at + RETIRE_US};
  call_keys_changed(me->call);
}

static void follow_switches(struct member *me) {
  if (!me->synced) {
    return;
  }
  const uint64_t now = clock_us();
  size_t due = 0; /* all before this one are due, or overtaken by one that is */
  for (size_t i = 0; i < me->switch_count; i++) {
    due = me->switches[i].activate_at <= now ? i + 1 : due;
  }
  if (due > 0 && !me->switches[due - 1].activated &&
      e2ee_media_activate(me->media, me->switches[due - 1].epoch) != E2EE_OK) {
    member_say(me, "cannot activate epoch %llu", (unsigned long long)me->switches[due - 1].epoch);
  }
  for (size_t i = 0; i < due; i++) {
    me->switches[i].activated = true;
  }
  if (due > 0 && me->switches[0].retire_at <= now) {
    if (e2ee_media_retire(me->media, me->switches[0].epoch) != E2EE_OK) {
      member_say(me, "cannot retire what was before epoch %llu",
                 (unsigned long long)me->switches[0].epoch);
    }
    me->switch_count--;
    memmove(me->switches, me->switches + 1, me->switch_count * sizeof me->switches[0]);
  }
}

void member_resume(struct member *me) {
  switch_keys(me, 0);
  if (member_status(me).leaving == E2EE_LEAVING_WAITS) {
    me->quit_at = UINT64_MAX; /* it was about to leave, and still is */
  }
}

void member_on_sync(struct member *me) {
  e2ee_bytes *commit = NULL;
  e2ee_bytes *welcome = NULL;
  me->synced = true;
  for (size_t i = 0; i < me->switch_count; i++) {
    me->switches[i].activate_at = clock_us(); /* the others have long done so */
  }
  if (me->memory.group &&
      e2ee_group_pending_commit(me->memory.group, &commit, &welcome) == E2EE_OK) {
    member_say(me, "the commit from before is still pending: sending it again");
    send_commit(me, commit, welcome);
  }
  e2ee_bytes_free(commit);
  e2ee_bytes_free(welcome);
}

static void enter_epoch(struct member *me, uint64_t delay_us) {
  note_epoch(me);
  switch_keys(me, delay_us);
}

/* ---- Own commits --------------------------------------------------------------- */

void member_set_goal(struct member *me, const struct goal *goal) {
  for (size_t i = 0; i < MAX_NAMES; i++) {
    free(me->goal.key_package[i]);
  }
  me->goal = goal ? *goal : (struct goal){0};
}

static bool find_member(const struct member *me, const char *name, uint32_t *out) {
  char other[NAME_MAX_LENGTH + 1];
  uint32_t leaf = UINT32_MAX;
  while (e2ee_group_member_next(me->memory.group, &leaf) == 1) {
    if (member_name(me, leaf, other) && strcmp(name, other) == 0) {
      *out = leaf;
      return true;
    }
  }
  return false;
}

/** Put into a commit what the goal is. */
static int fill_commit(struct member *me, e2ee_commit *commit) {
  const struct goal *goal = &me->goal;
  for (size_t i = 0; i < goal->count; i++) {
    uint32_t leaf = 0;
    int err = E2EE_OK;
    if (goal->kind == GOAL_INVITE) {
      err = e2ee_commit_add(commit, goal->key_package[i], goal->key_package_size[i]);
    } else if (find_member(me, goal->name[i], &leaf)) {
      err = e2ee_commit_remove(commit, leaf);
    }
    if (err != E2EE_OK) {
      return err;
    }
  }
  return E2EE_OK;
}

/** Build the commit, save it as pending, send it.  It takes effect when it comes back. */
static void commit_goal(struct member *me) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL;
  e2ee_bytes *welcome = NULL;
  int err = e2ee_commit_new(me->memory.group, &commit);
  if (err == E2EE_OK) {
    err = fill_commit(me, commit);
  }
  if (err == E2EE_OK) {
    err = e2ee_commit_build(commit, &message, &welcome);
  }
  if (err == E2EE_OK) {
    me->memory.note[0] = 0;
    for (size_t i = 0; welcome && i < me->goal.count; i++) {
      strcat(strcat(me->memory.note, " "), me->goal.name[i]); /* MAX_NAMES names fit */
    }
    member_say(me, "my commit for epoch %llu is on its way",
               (unsigned long long)member_status(me).epoch + 1);
    send_commit(me, message, welcome);
  } else {
    complain(me, "cannot commit", err);
    member_set_goal(me, NULL);
  }
  e2ee_bytes_free(message);
  e2ee_bytes_free(welcome);
  e2ee_commit_free(commit);
}

static bool ready_to_commit(const struct goal *goal) {
  for (size_t i = 0; goal->kind == GOAL_INVITE && i < goal->count; i++) {
    if (!goal->key_package[i]) {
      return false;
    }
  }
  return goal->kind != GOAL_NONE && goal->kind != GOAL_JOIN;
}

/** Go one step towards the goal, if there is one and a step can be made. */
static void pursue(struct member *me) {
  struct goal *goal = &me->goal;
  if (!goal->asked && goal->kind == GOAL_JOIN) {
    member_send(me, &(struct message){.type = WIRE_GET_GROUP_INFO});
  }
  for (size_t i = 0; !goal->asked && goal->kind == GOAL_INVITE && i < goal->count; i++) {
    member_send(me, &(struct message){WIRE_FETCH, 1, {text(goal->name[i])}});
  }
  goal->asked = true;
  if (ready_to_commit(goal) && member_status(me).state == E2EE_GROUP_ACTIVE) {
    commit_goal(me);
  }
}

static void read_events(struct member *me) {
  e2ee_event event;
  while (e2ee_media_next_event(me->media, &event, sizeof event) == 1) {
    if (event.kind == E2EE_EVENT_KEY_LOW && me->goal.kind == GOAL_NONE) {
      member_set_goal(me, &(struct goal){.kind = GOAL_RENEW}); /* a new epoch has counters again */
    }
  }
}

/** A proposal is gone with its epoch, so this is called again when another commit came first. */
static void ask_to_leave(struct member *me) {
  e2ee_bytes *proposal = NULL;
  const int err = e2ee_group_propose_leave(me->memory.group, &proposal);
  if (err != E2EE_OK) {
    complain(me, "cannot leave", err);
    return;
  }
  save_and_send(me, &(struct message){WIRE_PROPOSAL, 1, {slice_of(proposal)}});
  e2ee_bytes_free(proposal);
}

void member_work(struct member *me) {
  if (me->memory.group && member_status(me).revision != me->saved_revision) {
    save(me);
  }
  pursue(me);
  if (me->synced && member_status(me).leaving == E2EE_LEAVING_LOST) {
    member_say(me, "a commit came before I was let go: asking again");
    ask_to_leave(me);
  }
  follow_switches(me);
  read_events(me);
}

void member_on_key_package(struct member *me, const struct message *message) {
  struct goal *goal = &me->goal;
  const struct slice bytes = message->field[1];
  char name[NAME_MAX_LENGTH + 1];
  uint8_t identity[NAME_MAX_LENGTH];
  size_t length = sizeof identity;
  if (goal->kind != GOAL_INVITE || !name_read(message->field[0], name)) {
    return;
  }
  /* The relay could hand out anybody's: the name that counts is the one in the key package. */
  if (e2ee_key_package_identity(bytes.data, bytes.size, identity, &length) != E2EE_OK ||
      length != strlen(name) || memcmp(identity, name, length) != 0) {
    member_say(me, "no key package of %s", name);
    member_set_goal(me, NULL);
    return;
  }
  for (size_t i = 0; i < goal->count; i++) {
    if (!goal->key_package[i] && strcmp(goal->name[i], name) == 0) {
      goal->key_package[i] = malloc(bytes.size);
      if (goal->key_package[i]) {
        memcpy(goal->key_package[i], bytes.data, bytes.size);
        goal->key_package_size[i] = bytes.size;
      }
    }
  }
}

/** Come in without an invitation. */
void member_on_group_info(struct member *me, struct slice group_info) {
  e2ee_bytes *commit = NULL;
  if (me->goal.kind != GOAL_JOIN || me->memory.group) {
    return;
  }
  const int err = e2ee_group_join_external(me->memory.client, group_info.data, group_info.size,
                                           NULL, 0, &commit, &me->memory.group);
  if (err != E2EE_OK) {
    complain(me, "cannot join", err);
    member_set_goal(me, NULL);
    return;
  }
  me->memory.note[0] = 0;
  send_commit(me, commit, NULL);
  e2ee_bytes_free(commit);
}

/** Only one who is joining needs the answer: a member learns it from the commit that won. */
void member_on_refused(struct member *me) {
  member_say(me, "the relay refused my commit: another one had won its epoch");
  if (me->goal.kind == GOAL_JOIN && me->memory.group) {
    e2ee_group_free(me->memory.group);
    me->memory.group = NULL;
    me->goal.asked = false;
  }
}

/* ---- What others send ------------------------------------------------------------ */

/** What matters here of what a message changes. */
struct changes {
  bool removal;
  uint32_t leaf; /* that is removed */
};

/** Read what a message would change.  An application, or the person who uses it, decides here
 *  whether it agrees; this one agrees to everything, and says what it was. */
static int inspect(const struct member *me, const e2ee_incoming *incoming,
                   e2ee_incoming_status *status, struct changes *out) {
  int err = e2ee_incoming_get_status(incoming, status, sizeof *status);
  for (uint32_t i = 0; err == E2EE_OK && i < status->changes; i++) {
    e2ee_change change;
    uint8_t identity[NAME_MAX_LENGTH];
    size_t length = sizeof identity;
    char name[NAME_MAX_LENGTH + 1];
    err = e2ee_incoming_change(incoming, i, &change, sizeof change);
    if (err != E2EE_OK || (change.kind != E2EE_CHANGE_ADD && change.kind != E2EE_CHANGE_REMOVE)) {
      continue;
    }
    if (change.kind == E2EE_CHANGE_REMOVE) {
      *out = (struct changes){.removal = true, .leaf = change.leaf};
    }
    err = e2ee_incoming_member(incoming, i, E2EE_MEMBER_IDENTITY, identity, &length);
    if (err == E2EE_OK && name_read((struct slice){identity, length}, name)) {
      member_say(me, "leaf %d would %s %s", (int)status->sender,
                 change.kind == E2EE_CHANGE_ADD ? "add" : "remove", name);
    }
  }
  return err;
}

/** A proposal is stored for the next commit, which the first of those who stay makes. */
static void accepted_proposal(struct member *me, const struct changes *changes) {
  uint32_t first = UINT32_MAX;
  while (e2ee_group_member_next(me->memory.group, &first) == 1 && changes->removal &&
         first == changes->leaf) {
  }
  if (first == member_status(me).own_leaf && me->goal.kind == GOAL_NONE) {
    member_set_goal(me, &(struct goal){.kind = GOAL_RENEW});
  }
}

static void accepted_commit(struct member *me, const e2ee_incoming_status *status,
                            const struct changes *changes) {
  if (member_status(me).state == E2EE_GROUP_LEFT) {
    /* Nobody else can be made to forget keys.  One who was removed may well keep those it has, as
     * this one does: it goes on listening, and none of them opens anything any more. */
    member_say(me, "I am not a member any more");
    call_mute(me->call);
    me->switch_count = 0;
    if (me->quit_at == UINT64_MAX) {
      me->quit_at = clock_us() + LINGER_US;
    }
    return;
  }
  enter_epoch(me, changes->removal ? 0 : ACTIVATE_US);
  if (status->kind == E2EE_INCOMING_OWN_COMMIT) {
    member_set_goal(me, NULL);
    publish_group_info(me);
  }
}

/** Apply a verified message.  The relay puts commits in order, so one that comes while ours is
 *  pending has won: no member will ever apply ours, and it can be wiped.  The goal stays, so that ours
 *  is made again in the next epoch. */
static int accept_incoming(struct member *me, e2ee_incoming *incoming) {
  int err = e2ee_incoming_accept(incoming);
  if (err == E2EE_ERR_PENDING_COMMIT) {
    member_say(me, "my commit lost the race: discarding it");
    err = e2ee_group_commit_discard(me->memory.group);
    if (err == E2EE_OK) {
      err = e2ee_incoming_accept(incoming);
    }
  }
  return err;
}

void member_on_handshake(struct member *me, struct slice message) {
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  struct changes changes = {0};
  if (!me->memory.group) {
    return; /* not for one who is no member yet */
  }
  int err = e2ee_group_process(me->memory.group, message.data, message.size, &incoming);
  if (err == E2EE_OK) {
    err = inspect(me, incoming, &status, &changes);
  }
  if (err == E2EE_OK) {
    err = accept_incoming(me, incoming);
  }
  if (err != E2EE_OK) {
    complain(me, "dropping a message", err);
  } else if (status.kind == E2EE_INCOMING_PROPOSAL) {
    accepted_proposal(me, &changes);
  } else {
    accepted_commit(me, &status, &changes);
  }
  e2ee_incoming_free(incoming);
}

void member_on_welcome(struct member *me, struct slice welcome) {
  e2ee_incoming *incoming = NULL;
  e2ee_incoming_status status;
  struct changes changes = {0};
  if (me->memory.group) {
    member_say(me, "not invited twice");
    return;
  }
  int err = e2ee_welcome_open(me->memory.client, welcome.data, welcome.size, NULL, 0, &incoming);
  if (err == E2EE_OK) {
    err = inspect(me, incoming, &status, &changes);
  }
  if (err == E2EE_OK) {
    err = e2ee_incoming_join(incoming, &me->memory.group);
  }
  if (err == E2EE_OK) {
    save(me);
    enter_epoch(me, ACTIVATE_US);
  } else {
    complain(me, "cannot use a Welcome", err);
  }
  e2ee_incoming_free(incoming);
}

void member_create_group(struct member *me) {
  static const uint8_t id[] = "conference";
  const int err = e2ee_group_new(me->memory.client, id, sizeof id - 1, &me->memory.group);
  if (err != E2EE_OK) {
    complain(me, "cannot create the group", err);
    return;
  }
  enter_epoch(me, 0);
  publish_group_info(me);
}

void member_leave(struct member *me) {
  me->quit_at = UINT64_MAX; /* as soon as somebody commits it */
  ask_to_leave(me);
}
