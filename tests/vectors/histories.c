/*
 * Generating passive-client: histories of groups, one for each thing that the official vectors lack.
 *
 * The witness is a client that does nothing but join and follow; all others take turns.  What one
 * writes with the library's sending half, the checker follows with its receiving half, from the
 * witness's private keys alone.
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "crew.h"
#include "crypto/x509.h"

/* Types that are the application's own. */
#define CUSTOM_PROPOSAL 0xf00a
#define CUSTOM_EXTENSION 0xf00b

/* The witness is not the first member, nor the last one. */
#define WITNESS 2

struct history {
  const char *scenario;
  size_t clients;
  void (*play)(struct crew *crew);
  bool certificates;
};

/* ---- Growing and shrinking ---- */

/* Nobody leaves: the tree doubles three times, paths get longer, Updates come by reference. */
static void grow(struct crew *crew) {
  struct bytes update = {0};
  crew_found(crew, 3);
  for (size_t next = 3; next < crew->count; next++)
    crew_add(crew, next == 3 ? 1 : next - 1, next);
  for (size_t i = 0; i < 2; i++) {
    size_t who = crew_pick(crew, 0);
    must(group_propose_update(crew_group(crew, who), &update), "Update");
    crew_hear(crew, who, &update);
    crew_commit(crew, 0, NULL);
  }
}

/* Members go from the middle and from the end, until the tree halves; their leaves are taken again. */
static void shrink(struct crew *crew) {
  struct bytes proposal = {0};
  crew_encrypt(crew, false);
  crew_found(crew, 9);
  crew_remove(crew, 0, 4);
  crew_remove(crew, 1, 6);
  must(group_propose_remove(crew_group(crew, 3), crew_leaf(crew, 8), &proposal), "Remove");
  crew_hear(crew, 3, &proposal);
  must(group_propose_remove(crew_group(crew, 5), crew_leaf(crew, 7), &proposal), "Remove");
  crew_hear(crew, 5, &proposal);
  crew_commit(crew, 0, NULL);
  crew_add(crew, 5, 9);
  crew_remove(crew, 9, 5);
  crew_remove(crew, 0, 9);
  crew_add(crew, 3, 4);
  crew_add(crew, 4, 5);
}

/* Holes on both sides of a node whose key is newer than they are: who is added there from elsewhere is
 * unmerged, until a commit from below. */
static void leave_unmerged(struct crew *crew) {
  crew_found(crew, 8);
  crew_remove(crew, 0, 5);
  crew_remove(crew, 0, 7);
  crew_commit(crew, 4, NULL);
  crew_add(crew, 0, 8);
  crew_add(crew, 1, 9);
  crew_commit(crew, 3, NULL);
  crew_remove(crew, 0, 4);
  crew_commit(crew, 9, NULL);
}

/* Beside what is random in it: tree sizes, holes, private and public messages. */
static void wander(struct crew *crew) {
  crew_found(crew, 5);
  for (size_t step = 0; step < 16; step++) {
    size_t by = crew_pick(crew, CREW_NOBODY), who = random_below((uint32_t)crew->count);
    struct bytes update = {0};
    crew_encrypt(crew, random_below(2) == 0);
    if (who == crew->witness || who == by) {
      crew_commit(crew, by, NULL);
    } else if (!crew_present(crew, who)) {
      if (random_below(3) == 0)
        crew_join(crew, who, by, VIEW_NONE, CREW_NOBODY);
      else
        crew_add(crew, by, who);
    } else if (random_below(3) == 0) {
      must(group_propose_update(crew_group(crew, who), &update), "Update");
      crew_hear(crew, who, &update);
      crew_commit(crew, by, NULL);
    } else if (crew_size(crew) > 3) {
      crew_remove(crew, by, who);
    }
  }
}

/* ---- From outside ---- */

static void join_from_outside(struct crew *crew) {
  crew_found(crew, 4);
  crew_join(crew, 4, 0, VIEW_NONE, CREW_NOBODY);
  crew_commit(crew, 4, NULL);
  crew_remove(crew, 4, 1);
  crew_join(crew, 5, 3, VIEW_NONE, CREW_NOBODY); /* into the hole */
  crew_join(crew, 4, 0, VIEW_NONE, 4);           /* again, instead of the own former leaf */
  crew_commit(crew, 0, NULL);
}

/* A server that is no member adds and removes; somebody asks to be added. */
static void propose_from_outside(struct crew *crew) {
  const size_t server = crew->count - 1;
  struct client *outside = crew_client(crew, server);
  struct sender sender = {SENDER_EXTERNAL, 0};
  struct commit_plan plan = {0};
  struct bytes key_package = {0}, proposal = {0};
  crew_found(crew, 4);
  must(commit_plan_external_sender(&plan, crew_group(crew, 0),
                                   bytes_view(&outside->signature_public), CREDENTIAL_BASIC,
                                   VIEW_TEXT("server")),
       "external sender");
  crew_commit(crew, 0, &plan);

  struct view id = group_identifier(crew_group(crew, 0));
  key_package = crew_key_package(crew, 4);
  must(external_propose_add(outside, sender, id, group_epoch_number(crew_group(crew, 0)),
                            bytes_view(&key_package), &proposal),
       "external Add");
  crew_hear(crew, CREW_NOBODY, &proposal);
  crew_commit(crew, 1, NULL);
  bytes_free(&key_package);

  id = group_identifier(crew_group(crew, 0));
  must(external_propose_remove(outside, sender, id, group_epoch_number(crew_group(crew, 0)),
                               crew_leaf(crew, 1), &proposal),
       "external Remove");
  crew_hear(crew, CREW_NOBODY, &proposal);
  crew_commit(crew, 4, NULL);

  id = group_identifier(crew_group(crew, 0));
  key_package = crew_key_package(crew, 5);
  must(external_propose_add(crew_client(crew, 5), (struct sender){SENDER_NEW_MEMBER_PROPOSAL, 0},
                            id, group_epoch_number(crew_group(crew, 0)), bytes_view(&key_package),
                            &proposal),
       "new member's Add");
  crew_hear(crew, CREW_NOBODY, &proposal);
  crew_commit(crew, 3, NULL);
  bytes_free(&key_package);
}

/* SelfRemove, committed by a member, then by one who joins from outside. */
static void leave(struct crew *crew) {
  struct bytes proposal = {0}, copy = {0};
  crew_found(crew, 5);
  must(group_propose_leave(crew_group(crew, 4), &proposal), "SelfRemove");
  crew_hear(crew, 4, &proposal);
  crew_commit(crew, 0, NULL);
  must(group_propose_leave(crew_group(crew, 1), &proposal), "SelfRemove");
  must(bytes_copy(&copy, bytes_view(&proposal)), "copy");
  crew_hear(crew, 1, &proposal);
  crew_join(crew, 4, 3, bytes_view(&copy), CREW_NOBODY);
  crew_commit(crew, 4, NULL);
  bytes_free(&copy);
}

/* Members with certificates beside others without, the witness among the former. */
static void certify(struct crew *crew) {
  struct bytes update = {0};
  for (size_t who = 1; who < crew->count; who++)
    if (who != 3)
      crew_certify(crew, who);
  crew_found(crew, 4);
  must(group_propose_update(crew_group(crew, 1), &update), "Update");
  crew_hear(crew, 1, &update);
  crew_commit(crew, 0, NULL);
  crew_commit(crew, 1, NULL);
  crew_add(crew, 3, 4);
  crew_join(crew, 5, 1, VIEW_NONE, CREW_NOBODY);
}

/* ---- Secrets and extensions ---- */

static void plan_written(struct crew *crew, size_t by, struct commit_plan *plan,
                         struct bytes *proposal) {
  struct group *group = crew_group(crew, by);
  must(commit_plan_proposal(plan, group, bytes_view(proposal)), group->client->why.text);
  bytes_free(proposal);
}

/* External PSKs by reference and by value, in a Welcome too, and resumption PSKs of this group. */
static void share_secrets(struct crew *crew) {
  struct bytes proposal = {0};
  struct commit_plan plan = {0};
  crew_psk(crew, VIEW_TEXT("one"));
  crew_psk(crew, VIEW_TEXT("two"));
  crew_found(crew, 2);
  struct bytes key_package = crew_key_package(crew, crew->witness);
  must(commit_plan_add(&plan, crew_group(crew, 0), bytes_view(&key_package)), "Add");
  must(draft_psk(crew_group(crew, 0), VIEW_TEXT("one"), &proposal), "PSK");
  plan_written(crew, 0, &plan, &proposal);
  crew_commit(crew, 0, &plan);
  bytes_free(&key_package);

  crew_add(crew, 1, 3);
  must(draft_psk(crew_group(crew, 1), VIEW_TEXT("one"), &proposal), "PSK");
  crew_propose(crew, 1, &proposal);
  must(draft_psk(crew_group(crew, 0), VIEW_TEXT("two"), &proposal), "PSK");
  plan_written(crew, 0, &plan, &proposal);
  crew_commit(crew, 0, &plan);

  uint64_t now = group_epoch_number(crew_group(crew, 3));
  for (uint64_t ago = 0; ago < 2; ago++) {
    must(draft_resumption_psk(crew_group(crew, 3), now - ago, &proposal), "resumption PSK");
    plan_written(crew, 3, &plan, &proposal);
  }
  must(draft_psk(crew_group(crew, 3), VIEW_TEXT("two"), &proposal), "PSK");
  plan_written(crew, 3, &plan, &proposal);
  crew_commit(crew, 3, &plan);
}

/* Extensions of the GroupContext set, replaced and taken out; types of the application's own. */
static void extend(struct crew *crew) {
  struct bytes proposal = {0}, extensions = {0};
  struct commit_plan plan = {0};
  for (size_t i = 0; i < crew->count; i++) {
    struct client *client = crew_client(crew, i);
    must(client_support(client, TYPE_PROPOSAL, CUSTOM_PROPOSAL), "support");
    must(client_support(client, TYPE_EXTENSION, CUSTOM_EXTENSION), "support");
    must(client_set_extension(client, PLACE_LEAF, CUSTOM_EXTENSION, VIEW_TEXT("leaf")), "leaf");
    must(client_set_extension(client, PLACE_LEAF, EXTENSION_APPLICATION_ID, VIEW_TEXT("id")), "id");
    must(client_set_extension(client, PLACE_KEY_PACKAGE, CUSTOM_EXTENSION, VIEW_NONE), "package");
    must(client_set_extension(client, PLACE_GROUP_INFO, CUSTOM_EXTENSION, VIEW_TEXT("info")),
         "info");
  }
  crew_found(crew, 4);
  must(commit_plan_extension(&plan, crew_group(crew, 0), CUSTOM_EXTENSION, VIEW_TEXT("group")),
       "extension");
  must(commit_plan_require(&plan, crew_group(crew, 0), TYPE_PROPOSAL, CUSTOM_PROPOSAL), "require");
  must(commit_plan_require(&plan, crew_group(crew, 0), TYPE_EXTENSION, CUSTOM_EXTENSION),
       "require");
  crew_commit(crew, 0, &plan);

  must(draft_custom(crew_group(crew, 1), CUSTOM_PROPOSAL, VIEW_TEXT("by reference"), &proposal),
       "custom proposal");
  crew_propose(crew, 1, &proposal);
  must(draft_custom(crew_group(crew, 3), CUSTOM_PROPOSAL, VIEW_NONE, &proposal), "custom proposal");
  plan_written(crew, 3, &plan, &proposal);
  crew_commit(crew, 3, &plan);

  crew_add(crew, 1, 4);
  must(draft_set_extension(crew_group(crew, 4)->epoch->context.extensions, CUSTOM_EXTENSION,
                           VIEW_NONE, &extensions),
       "extensions");
  must(draft_extensions(bytes_view(&extensions), &proposal), "extensions");
  bytes_free(&extensions);
  crew_propose(crew, 4, &proposal);
  crew_commit(crew, 0, NULL);
}

/* The ratchet tree travels beside the Welcome and the GroupInfo; there is no GREASE anywhere. */
static void tree_beside(struct crew *crew) {
  for (size_t i = 0; i < crew->count; i++) {
    crew_client(crew, i)->settings.tree_in_welcome = false;
    crew_client(crew, i)->settings.grease = false;
    crew_client(crew, i)->settings.padding = 0;
  }
  crew_found(crew, 5);
  crew_remove(crew, 0, 1);
  crew_join(crew, 5, 0, VIEW_NONE, CREW_NOBODY);
}

/* ---- Groups that go on from another one ---- */

/* Members of the new group, all in one commit by `founder`, whose group there is. */
static void gather(struct crew *next, size_t founder) {
  struct commit_plan plan = {0};
  for (size_t i = 0; i < next->count; i++) {
    if (i == founder || !crew_present(next->old, i))
      continue;
    struct bytes key_package = crew_key_package(next, i);
    struct group *group = crew_group(next, founder);
    must(commit_plan_add(&plan, group, bytes_view(&key_package)), group->client->why.text);
    bytes_free(&key_package);
  }
  crew_commit(next, founder, &plan);
}

/* The crew of a group that goes on from `old`, under the same names. */
static void crew_follow(struct crew *next, struct crew *old, const struct suite *suite,
                        size_t count, const char *scenario) {
  json_object *linked = vectors_optional(old->vector, "linked");
  if (linked == NULL)
    linked = put_array(old->vector, "linked");
  crew_new(next, suite, count);
  next->old = old;
  crew_watch(next, WITNESS, append_object(linked), scenario);
}

/* The group is ended for one of another suite, if there is one. */
static void reinit(struct crew *crew) {
  struct bytes proposal = {0};
  struct crew next;
  const struct suite *suite = suite_find(crew->suite->id == 3 ? 1 : 3);
  if (suite == NULL)
    suite = crew->suite;
  crew_found(crew, 4);
  must(draft_reinit(crew_group(crew, 1), VIEW_TEXT("the next group"), suite->id, &proposal),
       "ReInit");
  crew_propose(crew, 1, &proposal);
  crew_commit(crew, 3, NULL);
  crew_follow(&next, crew, suite, crew->count, "successor");
  must(group_new_successor(crew_client(&next, 1), crew_group(crew, 1), &next.member[1].group),
       "successor");
  gather(&next, 1);
  crew_commit(&next, 0, NULL);
  crew_free(&next);
}

/* Some of the members go on in two groups of their own. */
static void branch(struct crew *crew) {
  static const char *const names[] = {"first branch", "second branch"};
  crew_found(crew, 5);
  crew_commit(crew, 0, NULL);
  for (size_t i = 0; i < 2; i++) {
    struct crew next;
    crew_follow(&next, crew, crew->suite, 3 + i, names[i]);
    must(group_new_branch(crew_client(&next, 0), crew_group(crew, 0),
                          view_of((const uint8_t *)names[i], strlen(names[i])),
                          &next.member[0].group),
         "branch");
    gather(&next, 0);
    crew_commit(&next, 1, NULL);
    crew_free(&next);
  }
}

/* ---- All of them ---- */

static const struct history histories[] = {
    {"grow: Adds and Updates in PrivateMessages", 9, grow, false},
    {"shrink: Removes in PublicMessages, holes, a tree that halves", 10, shrink, false},
    {"unmerged leaves", 10, leave_unmerged, false},
    {"external commits: join, take a blank leaf, resync", 6, join_from_outside, false},
    {"external sender and new member's Add", 7, propose_from_outside, false},
    {"SelfRemove, committed by a member and by an external joiner", 5, leave, false},
    {"external and resumption PSKs", 4, share_secrets, false},
    {"extensions, required capabilities, custom proposals", 5, extend, false},
    {"ratchet tree beside the Welcome, no GREASE, no padding", 6, tree_beside, false},
    {"ReInit and the group after it", 4, reinit, false},
    {"branches", 5, branch, false},
    {"X.509 and basic credentials", 6, certify, true},
    {"random", 12, wander, false},
};

static void generate(const struct suite *suite, json_object *array) {
  for (size_t i = 0; i < sizeof histories / sizeof histories[0]; i++) {
    struct crew crew;
    if (histories[i].certificates && !x509_available())
      continue;
    crew_new(&crew, suite, histories[i].clients);
    crew_watch(&crew, WITNESS, append_object(array), histories[i].scenario);
    histories[i].play(&crew);
    crew_free(&crew);
  }
}

json_object *generate_passive_client(uint16_t suite) {
  return generate_suites(suite, generate);
}
