/*
 * A webinar of thousands in one process: what does a phone in it spend, and what does the server?
 *
 *   webinar MEMBERS MINUTES COMMITTERS > RESULTS.json
 *
 * Real, on the public API: ten speakers with their streams, those who commit, and two phones that
 * process each commit and decrypt each frame.  Of everybody else there is what the others see: a
 * leaf, from a key package that a client made.  A group of ten thousand takes some megabytes, and
 * ten thousand of them no machine has.
 *
 * Once a second somebody joins or leaves, by turns.  Who leaves a webinar closes the window, so
 * nobody can count on a proposal from there: the server sees the connection end, and asks a member
 * to remove it.  Who joins hands in a key package and is added: the joiner then needs the Welcome and
 * nothing else, and there is no race for the epoch.  The committers take turns.  One alone would
 * encrypt to each member in each commit, for a commit fills the tree's nodes above its sender only.
 * With C of them, spread over the tree, it is a few times N / C: a member who leaves empties the
 * nodes above it, until a committer below them has had its turn.  In an app where everybody takes a
 * turn now and then it is much less, so the commits here are larger than they need be.
 *
 * All frames are encrypted and decrypted, and compared.  Times are processor time of this thread.
 * SPDX-License-Identifier: ISC
 */
#include "attendee.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  SPEAKERS = 10,
  TICKS = 50, /* a second, each with a frame of sound from each speaker */
  PICTURES = 30,
  FRAMES = SPEAKERS * TICKS + PICTURES, /* a second */
  SOUND_BYTES = 100,
  PICTURE_LEAST = 1200,
  PICTURE_MOST = 20000,
  FRAME_ROOM = PICTURE_MOST + 64,
  PACKET_BYTES = 1200,
  ACTIVATE_TICK = 15, /* Senders change so long after an Add; after a Remove at once. */
  PHONE_TICK = 5,     /* A commit takes so long to the phones: what comes before has to wait. */
  MEMBERS_MOST = 30000,
  COMMITTERS_MOST = 256,
  PHONES = 2
};

struct frame {
  uint32_t speaker;
  bool picture;
  size_t size;
  size_t sealed_size;
  uint8_t plain[FRAME_ROOM];
  uint8_t sealed[FRAME_ROOM];
};

/** What a phone spent in one second. */
struct cost {
  uint64_t commit_ns;
  uint64_t save_ns;
  uint64_t sound_ns;
  uint64_t picture_ns;
  size_t saved;    /* bytes */
  uint32_t waited; /* frames that came before their key */
};

struct phone {
  const char *name;
  struct member member;
  e2ee_receiver *receiver;
  uint64_t join_ns;
  struct cost cost;
  bool heard[FRAMES];
  size_t size[FRAMES];
  uint8_t (*out)[FRAME_ROOM];
};

struct webinar {
  uint32_t members; /* at the beginning */
  uint32_t committer_count;
  struct member committer[COMMITTERS_MOST]; /* The first ten speak. */
  struct phone phone[PHONES];
  uint32_t phone_count;      /* that have a seat */
  struct frame *frames;      /* of this second */
  e2ee_bytes **key_packages; /* of those who are there at the beginning, by leaf */
  uint64_t commits_checked;
  uint64_t frames_checked;
};

/* ---- Small things ------------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void progress(const char *format, ...) {
  va_list arguments;
  if (!isatty(STDERR_FILENO)) {
    return;
  }
  va_start(arguments, format);
  fprintf(stderr, "\r\033[K");
  vfprintf(stderr, format, arguments);
  va_end(arguments);
}

/** The same numbers in each run: what is simulated does not depend on luck. */
static uint32_t draw(void) {
  static uint32_t state = 9420;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

/* ---- Coming in ---------------------------------------------------------------- */

/** That two members are in the same epoch. */
static void same(struct webinar *webinar, const struct member *one, const struct member *other) {
  check_same(one, other);
  webinar->commits_checked += 1;
}

/** The real member of a leaf, or NULL. */
static struct member *real_member(struct webinar *webinar, uint32_t leaf) {
  for (uint32_t p = 0; p < webinar->phone_count; p++) {
    if (webinar->phone[p].member.leaf == leaf) {
      return &webinar->phone[p].member;
    }
  }
  for (uint32_t i = 0; i < webinar->committer_count; i++) {
    if (webinar->committer[i].leaf == leaf) {
      return &webinar->committer[i];
    }
  }
  return NULL;
}

/** Where committer k sits: the first at the left, the next in the middle, then at the quarters, and
 *  so on, so that from the first round on each one encrypts to nodes that the others filled. */
static uint32_t seat(uint32_t members, uint32_t k) {
  uint32_t leaf = 0;
  for (uint32_t part = members; k > 0; k >>= 1) {
    part /= 2;
    leaf += (k & 1) * part;
  }
  return leaf;
}

/** Give the real ones their leaves, and everybody a key package. */
static void take_seats(struct webinar *webinar) {
  webinar->key_packages = allocate(webinar->members, sizeof(e2ee_bytes *));
  for (uint32_t i = 0; i < webinar->committer_count; i++) {
    webinar->committer[i].leaf = seat(webinar->members, i);
  }
  uint32_t far = webinar->members * 2 / 3;
  while (real_member(webinar, far) || real_member(webinar, far ^ 1)) {
    far += 1;
  }
  webinar->phone[0] = (struct phone){.name = "far", .member.leaf = far};
  webinar->phone[1] = (struct phone){.name = "near", .member.leaf = webinar->committer[1].leaf ^ 1};
  webinar->phone_count = PHONES;
  for (uint32_t leaf = 0; leaf < webinar->members; leaf++) {
    e2ee_client *client = client_new(leaf);
    webinar->key_packages[leaf] = leaf > 0 ? key_package_of(client) : NULL;
    struct member *real = real_member(webinar, leaf);
    if (real) {
      real->client = client;
    } else {
      e2ee_client_free(client);
    }
    if (leaf % 1000 == 0) {
      progress("%" PRIu32 " key packages ...", leaf);
    }
  }
}

/** The first committer makes the group and adds everybody.  @return the Welcome */
static e2ee_bytes *create(struct webinar *webinar) {
  struct member *chair = &webinar->committer[0];
  e2ee_commit *commit = NULL;
  e2ee_bytes *message = NULL;
  e2ee_bytes *welcome = NULL;
  const uint64_t begin = now_ns();
  must(chair->client, "create",
       e2ee_group_new(chair->client, (const uint8_t *)"webinar", 7, &chair->group));
  must(chair->client, "commit", e2ee_commit_new(chair->group, &commit));
  progress("adding everybody ...");
  for (uint32_t leaf = 1; leaf < webinar->members; leaf++) {
    const e2ee_bytes *key_package = webinar->key_packages[leaf];
    must(chair->client, "add",
         e2ee_commit_add(commit, e2ee_bytes_data(key_package), e2ee_bytes_size(key_package)));
  }
  must(chair->client, "build", e2ee_commit_build(commit, &message, &welcome));
  must(chair->client, "accepted", e2ee_group_commit_accepted(chair->group));
  printf("{\"members\": %" PRIu32 ", \"committers\": %" PRIu32 ", \"create_ns\": %" PRIu64
         ", \"key_package\": %zu, \"welcome\": %zu}\n",
         webinar->members, webinar->committer_count, now_ns() - begin,
         e2ee_bytes_size(webinar->key_packages[1]), e2ee_bytes_size(welcome));
  e2ee_commit_free(commit);
  e2ee_bytes_free(message);
  for (uint32_t leaf = 0; leaf < webinar->members; leaf++) {
    e2ee_bytes_free(webinar->key_packages[leaf]);
  }
  free(webinar->key_packages);
  return welcome;
}

/** All real ones join by the one Welcome. */
static void come_in(struct webinar *webinar) {
  e2ee_bytes *welcome = create(webinar);
  for (uint32_t i = 1; i < webinar->committer_count; i++) {
    struct member *member = &webinar->committer[i];
    const uint32_t leaf = member->leaf;
    progress("%" PRIu32 " of %" PRIu32 " committers join ...", i, webinar->committer_count);
    must(member->client, "threads", e2ee_client_set(member->client, E2EE_SET_THREADS, 2));
    join(member, welcome);
    if (member->leaf != leaf) {
      fail("somebody sits on the wrong leaf");
    }
    same(webinar, member, &webinar->committer[0]);
  }
  for (uint32_t i = 0; i < PHONES; i++) {
    struct phone *phone = &webinar->phone[i];
    progress("the phones join ...");
    phone->join_ns = join(&phone->member, welcome);
    same(webinar, &phone->member, &webinar->committer[0]);
    begin_media(&phone->member);
    must(NULL, "receiver", e2ee_receiver_new(phone->member.media, &phone->receiver));
    phone->out = allocate(FRAMES, sizeof *phone->out);
    printf("{\"phone\": \"%s\", \"leaf\": %" PRIu32 ", \"join_ns\": %" PRIu64
           ", \"welcome\": %zu}\n",
           phone->name, phone->member.leaf, phone->join_ns, e2ee_bytes_size(welcome));
  }
  for (uint32_t i = 0; i < SPEAKERS; i++) {
    begin_media(&webinar->committer[i]);
    must(NULL, "sender",
         e2ee_sender_new(webinar->committer[i].media, &webinar->committer[i].sound));
  }
  must(NULL, "sender",
       e2ee_sender_new(webinar->committer[0].media, &webinar->committer[0].picture));
  e2ee_bytes_free(welcome);
}

/* ---- Commits -------------------------------------------------------------------- */

/** A commit reaches a phone. */
static void phone_follow(struct webinar *webinar, struct phone *phone,
                         const struct change *change) {
  struct member *member = &phone->member;
  e2ee_event event;
  const uint64_t begin = now_ns();
  follow(member, change);
  must(member->client, "install", e2ee_media_install(member->media, member->group));
  must(NULL, "retire", e2ee_media_retire(member->media, status_of(member).epoch - 2));
  while (e2ee_media_next_event(member->media, &event, sizeof event) == 1) {
  }
  const uint64_t followed = now_ns();
  phone->cost.saved = save(member);
  const uint64_t saved = now_ns();
  phone->cost.commit_ns += followed - begin;
  phone->cost.save_ns += saved - followed;
  same(webinar, member, change->committer);
}

/** A commit is made, and reaches all who are real but the phones. */
static void commit(struct webinar *webinar, struct change *change) {
  change_make(change);
  for (uint32_t i = 0; i < webinar->committer_count; i++) {
    struct member *member = &webinar->committer[i];
    if (member != change->committer) {
      follow(member, change);
      same(webinar, member, change->committer);
    }
    if (member->media) {
      must(member->client, "install", e2ee_media_install(member->media, member->group));
    }
  }
}

/** Before the beginning each committer commits once. */
static void warm_up(struct webinar *webinar) {
  for (uint32_t i = 0; i < webinar->committer_count; i++) {
    struct change change = {.committer = &webinar->committer[i]};
    progress("%" PRIu32 " of %" PRIu32 " first commits ...", i + 1, webinar->committer_count);
    commit(webinar, &change);
    for (uint32_t p = 0; p < PHONES; p++) {
      phone_follow(webinar, &webinar->phone[p], &change);
    }
    change_free(&change);
  }
  for (uint32_t i = 0; i < SPEAKERS; i++) {
    must(NULL, "activate",
         e2ee_media_activate(webinar->committer[i].media, status_of(&webinar->committer[i]).epoch));
  }
}

/* ---- Media ----------------------------------------------------------------------- */

static void frame_send(struct webinar *webinar, struct frame *frame, uint32_t speaker,
                       bool picture) {
  const struct member *member = &webinar->committer[speaker];
  frame->speaker = speaker;
  frame->picture = picture;
  frame->size = picture ? PICTURE_LEAST + draw() % (PICTURE_MOST - PICTURE_LEAST + 1) : SOUND_BYTES;
  for (size_t at = 0; at < frame->size; at += sizeof(uint32_t)) {
    const uint32_t content = draw();
    memcpy(frame->plain + at, &content, sizeof content);
  }
  must(NULL, "encrypt",
       e2ee_sender_encrypt(picture ? member->picture : member->sound, NULL, 0, frame->plain,
                           frame->size, frame->sealed, sizeof frame->sealed, &frame->sealed_size));
}

/** Decrypt the frames of one kind that wait or have come.  What has no key yet goes on waiting. */
static uint64_t hear_kind(struct webinar *webinar, struct phone *phone, size_t first, size_t end,
                          bool picture) {
  int result[FRAMES];
  e2ee_frame_info info[FRAMES];
  const uint64_t begin = now_ns();
  for (size_t i = first; i < end; i++) {
    const struct frame *frame = &webinar->frames[i];
    if (frame->picture == picture && !phone->heard[i]) {
      result[i] = e2ee_receiver_decrypt(phone->receiver, NULL, 0, frame->sealed, frame->sealed_size,
                                        phone->out[i], FRAME_ROOM, &phone->size[i], &info[i],
                                        sizeof info[i]);
    }
  }
  const uint64_t spent = now_ns() - begin;
  for (size_t i = first; i < end; i++) {
    const struct frame *frame = &webinar->frames[i];
    if (frame->picture != picture || phone->heard[i]) {
      continue;
    }
    if (result[i] == E2EE_ERR_NO_KEY) {
      phone->cost.waited += 1;
      continue;
    }
    must(NULL, "decrypt", result[i]);
    if (phone->size[i] != frame->size || memcmp(phone->out[i], frame->plain, frame->size) != 0 ||
        info[i].leaf != webinar->committer[frame->speaker].leaf) {
      fail("a frame is not what was sent");
    }
    phone->heard[i] = true;
    webinar->frames_checked += 1;
  }
  return spent;
}

static void hear(struct webinar *webinar, struct phone *phone, size_t first, size_t end) {
  phone->cost.sound_ns += hear_kind(webinar, phone, first, end, false);
  phone->cost.picture_ns += hear_kind(webinar, phone, first, end, true);
}

/** One second of media, with the commit that comes in it. */
static void play(struct webinar *webinar, const struct change *change) {
  const uint64_t epoch = status_of(change->committer).epoch;
  const uint32_t activate_tick = change->kind == E2EE_CHANGE_REMOVE ? 0 : ACTIVATE_TICK;
  size_t count = 0;
  for (uint32_t tick = 0; tick < TICKS; tick++) {
    const size_t first = count;
    for (uint32_t i = 0; i < SPEAKERS; i++) {
      e2ee_media *media = webinar->committer[i].media;
      if (tick == activate_tick) {
        must(NULL, "activate", e2ee_media_activate(media, epoch));
        must(NULL, "retire", e2ee_media_retire(media, epoch - 2));
      }
      frame_send(webinar, &webinar->frames[count++], i, false);
    }
    if ((tick + 1) * PICTURES / TICKS > tick * PICTURES / TICKS) {
      frame_send(webinar, &webinar->frames[count++], 0, true);
    }
    for (uint32_t p = 0; p < PHONES; p++) {
      struct phone *phone = &webinar->phone[p];
      if (tick == PHONE_TICK) {
        phone_follow(webinar, phone, change);
      }
      hear(webinar, phone, tick == PHONE_TICK ? 0 : first, count);
    }
  }
  for (uint32_t p = 0; p < PHONES; p++) {
    for (size_t i = 0; i < FRAMES; i++) {
      if (!webinar->phone[p].heard[i]) {
        fail("a frame was never heard");
      }
    }
  }
}

/* ---- The webinar ------------------------------------------------------------------ */

static void print_media(const struct webinar *webinar, bool picture) {
  size_t frames = 0;
  size_t bytes = 0;
  size_t packets = 0;
  for (size_t i = 0; i < FRAMES; i++) {
    const struct frame *frame = &webinar->frames[i];
    if (frame->picture == picture) {
      frames += 1;
      bytes += frame->sealed_size;
      packets += (frame->sealed_size + PACKET_BYTES - 1) / PACKET_BYTES;
    }
  }
  printf(", \"%s\": {\"frames\": %zu, \"bytes\": %zu, \"packets\": %zu}",
         picture ? "picture" : "sound", frames, bytes, packets);
}

static void print_second(const struct webinar *webinar, uint32_t second,
                         const struct change *change) {
  printf("{\"second\": %" PRIu32 ", \"kind\": \"%s\", \"members\": %" PRIu32
         ", \"commit\": %zu, \"key_package\": %zu, \"welcome\": %zu, \"make_ns\": %" PRIu64,
         second, change->kind == E2EE_CHANGE_ADD ? "join" : "leave",
         status_of(change->committer).members, e2ee_bytes_size(change->message),
         e2ee_bytes_size(change->key_package), e2ee_bytes_size(change->welcome), change->make_ns);
  print_media(webinar, false);
  print_media(webinar, true);
  for (uint32_t p = 0; p < PHONES; p++) {
    const struct cost *cost = &webinar->phone[p].cost;
    printf(", \"%s\": {\"commit_ns\": %" PRIu64 ", \"save_ns\": %" PRIu64 ", \"sound_ns\": %" PRIu64
           ", \"picture_ns\": %" PRIu64 ", \"saved\": %zu, \"waited\": %" PRIu32 "}",
           webinar->phone[p].name, cost->commit_ns, cost->save_ns, cost->sound_ns, cost->picture_ns,
           cost->saved, cost->waited);
  }
  printf("}\n");
}

/** Somebody who comes late: can it join, and what does that cost? */
static void join_late(struct webinar *webinar, e2ee_client *client, const struct change *change) {
  struct member late = {.client = client};
  const uint64_t spent = join(&late, change->welcome);
  same(webinar, &late, change->committer);
  printf("{\"late_join_ns\": %" PRIu64 ", \"welcome\": %zu}\n", spent,
         e2ee_bytes_size(change->welcome));
  e2ee_group_free(late.group);
}

/** In odd seconds somebody joins, in even ones somebody leaves. */
static void one_second(struct webinar *webinar, uint32_t second) {
  e2ee_client *joiner = NULL;
  struct change change = {.committer = &webinar->committer[second % webinar->committer_count]};
  if (second % 2 == 1) {
    joiner = client_new(webinar->members + second);
    change.kind = E2EE_CHANGE_ADD;
    change.key_package = key_package_of(joiner);
  } else {
    change.kind = E2EE_CHANGE_REMOVE;
    do {
      change.leaf = draw() % webinar->members;
    } while (real_member(webinar, change.leaf));
  }
  for (uint32_t p = 0; p < PHONES; p++) {
    webinar->phone[p].cost = (struct cost){0};
    memset(webinar->phone[p].heard, 0, sizeof webinar->phone[p].heard);
  }
  commit(webinar, &change);
  play(webinar, &change);
  print_second(webinar, second, &change);
  if (second % 60 == 59) {
    join_late(webinar, joiner, &change);
  }
  e2ee_client_free(joiner);
  change_free(&change);
}

static void check_statistics(const struct webinar *webinar, uint32_t seconds) {
  for (uint32_t p = 0; p < PHONES; p++) {
    e2ee_stats stats;
    must(NULL, "statistics", e2ee_receiver_stats(webinar->phone[p].receiver, &stats, sizeof stats));
    if (stats.received != (uint64_t)seconds * FRAMES || stats.auth_failed != 0 ||
        stats.replayed != 0 || stats.malformed != 0) {
      fail("the library has counted something else");
    }
  }
}

static void webinar_free(struct webinar *webinar) {
  for (uint32_t i = 0; i < webinar->committer_count; i++) {
    member_free(&webinar->committer[i]);
  }
  for (uint32_t p = 0; p < PHONES; p++) {
    e2ee_receiver_free(webinar->phone[p].receiver);
    member_free(&webinar->phone[p].member);
    free(webinar->phone[p].out);
  }
  free(webinar->frames);
  free(webinar);
}

static uint32_t number(const char *text, uint32_t least, uint32_t most) {
  char *end = NULL;
  const unsigned long value = strtoul(text, &end, 10);
  if (!*text || *end || value < least || value > most) {
    fail("%s is not from %" PRIu32 " to %" PRIu32, text, least, most);
  }
  return (uint32_t)value;
}

int main(int count, char **arguments) {
  if (count != 4) {
    fail("usage: webinar MEMBERS MINUTES COMMITTERS");
  }
  struct webinar *webinar = allocate(1, sizeof *webinar);
  webinar->committer_count = number(arguments[3], SPEAKERS, COMMITTERS_MOST);
  webinar->members = number(arguments[1], 8 * webinar->committer_count, MEMBERS_MOST);
  const uint32_t seconds = 60 * number(arguments[2], 1, 60);
  webinar->frames = allocate(FRAMES, sizeof *webinar->frames);
  take_seats(webinar);
  come_in(webinar);
  warm_up(webinar);
  for (uint32_t second = 1; second <= seconds; second++) {
    one_second(webinar, second);
    progress("%" PRIu32 ":%02" PRIu32 " of %" PRIu32 ":00 simulated", second / 60, second % 60,
             seconds / 60);
  }
  check_statistics(webinar, seconds);
  printf("{\"commits_checked\": %" PRIu64 ", \"frames_checked\": %" PRIu64 "}\n",
         webinar->commits_checked, webinar->frames_checked);
  progress("%s", "");
  webinar_free(webinar);
  return 0;
}
