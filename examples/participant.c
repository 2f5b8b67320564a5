/*
 * One participant of the conference: what an application does with libe2ee.
 * SPDX-License-Identifier: ISC
 *
 *   participant NAME PORT MEDIA FOLDER
 *
 * connects to the relay at PORT, sends MEDIA.opus and MEDIA.ivf, and writes what it hears, its
 * saved state and epochs.txt to FOLDER.  It does what it reads from standard input, a line each:
 *
 *   create | invite NAME... | join | remove NAME | renew | leave | mute | quit
 *
 * member.c is the group work, call.c the media, on a thread of its own.
 */
#include "member.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MLS_SUITE = 1, SOCKET_BYTES = 1 << 20 };

/* ---- What is asked of it ------------------------------------------------------- */

static void on_room(struct member *me, const struct message *message) {
  struct sockaddr_in relay = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)number_read(message->field[0])),
                              .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (me->call) {
    return;
  }
  if (connect(me->udp, (struct sockaddr *)&relay, sizeof relay) == 0) {
    me->call = call_start(me->media, me->media_path, me->folder, me->udp,
                          number_read(message->field[1]) * 1000);
  }
  if (!me->call) {
    member_say(me, "cannot start the media");
    exit(1);
  }
}

static void on_message(struct member *me, const struct message *message) {
  switch (message->type) {
  case WIRE_ROOM:
    on_room(me, message);
    break;
  case WIRE_SYNC:
    member_on_sync(me);
    break;
  case WIRE_KEY_PACKAGE:
    member_on_key_package(me, message);
    break;
  case WIRE_GROUP_INFO:
    member_on_group_info(me, message->field[0]);
    break;
  case WIRE_WELCOME:
    member_on_welcome(me, message->field[0]);
    break;
  case WIRE_COMMIT:
  case WIRE_PROPOSAL:
    member_on_handshake(me, message->field[0]);
    break;
  case WIRE_REFUSED:
    member_on_refused(me);
    break;
  default:
    member_say(me, "the relay sent something unknown");
    break;
  }
}

static void obey(struct member *me, char *line) {
  static const char *const verbs[] = {"", "invite", "join", "remove", "renew"};
  char *rest = NULL;
  const char *verb = strtok_r(line, " ", &rest);
  if (!verb) {
    return;
  }
  if (strcmp(verb, "create") == 0) {
    member_create_group(me);
  } else if (strcmp(verb, "leave") == 0) {
    member_leave(me);
  } else if (strcmp(verb, "mute") == 0) {
    call_mute(me->call);
  } else if (strcmp(verb, "quit") == 0) {
    me->quit_at = 1;
  }
  for (size_t kind = GOAL_INVITE; kind <= GOAL_RENEW; kind++) {
    if (strcmp(verb, verbs[kind]) == 0) {
      struct goal goal = {.kind = (enum goal_kind)kind};
      const char *name = NULL;
      while (goal.count < MAX_NAMES && (name = strtok_r(NULL, " ", &rest))) {
        goal.count += name_read(text(name), goal.name[goal.count]) ? 1 : 0;
      }
      member_set_goal(me, &goal);
    }
  }
}

static void read_commands(struct member *me) {
  static char line[256];
  static size_t used;
  char byte = 0;
  if (read(STDIN_FILENO, &byte, 1) != 1) {
    me->quit_at = 1;
  } else if (byte != '\n' && used + 1 < sizeof line) {
    line[used++] = byte;
  } else {
    line[used] = 0;
    used = 0;
    obey(me, line);
  }
}

static bool over(const struct member *me) {
  return me->quit_at != 0 && me->quit_at <= clock_us();
}

static void run(struct member *me) {
  struct message message;
  while (!over(me)) {
    struct pollfd ready[] = {{.fd = me->relay.fd, .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN}};
    (void)poll(ready, 2, 10);
    if (ready[0].revents != 0) {
      if (!wire_receive(&me->relay)) {
        member_say(me, "the relay is gone");
        exit(1);
      }
      while (wire_next(&me->relay, &message)) {
        on_message(me, &message);
      }
    }
    if (ready[1].revents != 0) {
      read_commands(me);
    }
    member_work(me);
  }
}

/* ---- Beginning and end ---------------------------------------------------------- */

static bool open_sockets(struct member *me, uint16_t port, uint16_t *own_udp_port) {
  struct sockaddr_in relay = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof own;
  const int room = SOCKET_BYTES;
  me->relay.fd = socket(AF_INET, SOCK_STREAM, 0);
  me->udp = socket(AF_INET, SOCK_DGRAM, 0);
  if (me->relay.fd < 0 || me->udp < 0 ||
      connect(me->relay.fd, (struct sockaddr *)&relay, sizeof relay) != 0 ||
      bind(me->udp, (struct sockaddr *)&own, sizeof own) != 0 ||
      getsockname(me->udp, (struct sockaddr *)&own, &size) != 0) {
    return false;
  }
  (void)setsockopt(me->udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  *own_udp_port = ntohs(own.sin_port);
  return true;
}

/** Begin, or go on where the saved state ends.  @return 1 if there was one, 0, or an error */
static int remember(struct member *me) {
  const int found = store_load(&me->store, &me->memory);
  if (found == 0) {
    return e2ee_client_new(MLS_SUITE, (const uint8_t *)me->name, strlen(me->name),
                           &me->memory.client);
  }
  if (found == 1 && me->memory.group) {
    member_say(me, "back from saved state, epoch %llu",
               (unsigned long long)member_status(me).epoch);
    member_resume(me);
  }
  return found;
}

static void say_hello(struct member *me, uint16_t udp_port) {
  uint8_t port[2];
  uint8_t epoch[8];
  number_write(port, sizeof port, udp_port);
  number_write(epoch, sizeof epoch, member_status(me).epoch);
  const size_t epoch_size = me->memory.group ? sizeof epoch : 0;
  member_send(me, &(struct message){
                      WIRE_HELLO, 3, {text(me->name), {port, sizeof port}, {epoch, epoch_size}}});
}

static void finish(struct member *me) {
  struct call_counts counts = {0};
  member_send(me, &(struct message){.type = WIRE_BYE});
  if (me->call) {
    call_stop(me->call, &counts);
  }
  member_say(me, "sent %lu frames, recorded %lu, refused %lu, forged %lu", counts.sent,
             counts.recorded, counts.refused, counts.forged);
  member_set_goal(me, NULL);
  wire_close(&me->relay);
  close(me->udp);
  e2ee_media_free(me->media);
  e2ee_group_free(me->memory.group);
  e2ee_client_free(me->memory.client);
}

int main(int count, char **arguments) {
  if (count != 5) {
    fputs("usage: participant NAME PORT MEDIA FOLDER\n", stderr);
    return 2;
  }
  struct member me = {.name = arguments[1], .media_path = arguments[3], .folder = arguments[4]};
  uint16_t udp_port = 0;
  if (!store_open(&me.store, me.folder) ||
      !open_sockets(&me, (uint16_t)strtoul(arguments[2], NULL, 10), &udp_port)) {
    member_say(&me, "cannot use folder %s or reach port %s", arguments[4], arguments[2]);
    return 1;
  }
  int err = e2ee_media_new(0, &me.media);
  if (err == E2EE_OK) {
    err = remember(&me);
  }
  if (err < 0) {
    member_say(&me, "cannot start: %s", e2ee_strerror(err));
    return 1;
  }
  say_hello(&me, udp_port);
  if (err == 0) {
    member_publish_key_package(&me);
  }
  run(&me);
  finish(&me);
  return 0;
}
