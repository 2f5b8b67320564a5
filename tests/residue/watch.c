/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "watch.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "needles.h"

#define BLOCKS 65536u
#define REGIONS 512u
#define REPORTS_MAX 60u

struct region {
  uint64_t from, to;
  char name[64];
};

static struct {
  pid_t pid;
  int memory;
  struct user_regs_struct registers;
  struct region regions[REGIONS];
  unsigned region_count;
  unsigned failures, reports;
  bool only_old;       /* the others may be there */
  unsigned long alive; /* kinds that were found */
  char call[128];      /* the last that returned */
} watched;

static void die(const char *what) {
  perror(what);
  exit(2);
}

/* ---- The other's memory ---- */

static bool read_memory(uint64_t from, void *to, size_t size) {
  return pread(watched.memory, to, size, (off_t)from) == (ssize_t)size;
}

static const char *read_text(uint64_t from) {
  char text[128] = "";
  if (pread(watched.memory, text, sizeof text - 1, (off_t)from) <= 0)
    die("residue: text");
  return strdup(text); /* kept: needles point to it */
}

static void list_regions(void) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", watched.pid);
  FILE *maps = fopen(path, "r");
  if (maps == NULL)
    die(path);
  watched.region_count = 0;
  while (fgets(line, sizeof line, maps) != NULL && watched.region_count < REGIONS) {
    struct region *region = &watched.regions[watched.region_count];
    unsigned long from, to;
    char flags[8], name[64] = "";
    if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %63[^\n]", &from, &to, flags, name) < 3 ||
        flags[1] != 'w')
      continue;
    *region = (struct region){.from = from, .to = to};
    snprintf(region->name, sizeof region->name, "%s", name[0] == 0 ? "locked or mapped" : name);
    watched.region_count++;
  }
  fclose(maps);
}

/* ---- What was found ---- */

/* One line for each kind in each place after each call. */
static bool told_before(const char *line) {
  static char told[REPORTS_MAX][256];
  for (unsigned i = 0; i < watched.reports; i++)
    if (strcmp(told[i], line) == 0)
      return true;
  if (watched.reports < REPORTS_MAX)
    snprintf(told[watched.reports], sizeof told[0], "%s", line);
  return watched.reports == REPORTS_MAX;
}

static void report(struct needle *needle, const char *region, uint64_t at, const char *when) {
  char line[256];
  if (needle->reported || (watched.only_old && !needle->old))
    return;
  needle->reported = true;
  watched.failures++;
  snprintf(line, sizeof line, "  %s%s in %s after %.100s", kind_name(needle->kind),
           form_name(needle->form), region, when);
  if (told_before(line))
    return;
  watched.reports++;
  printf("%s (at %llx, %lld below; from before the end of %.80s)\n", line, (unsigned long long)at,
         (long long)(watched.registers.rsp - at), needle->where);
}

/* Look through memory.  @param kinds  that must not be there; others are noted as alive */
static void search(const char *name, uint64_t from, uint64_t to, unsigned long kinds,
                   const char *when) {
  static uint8_t *bytes;
  static size_t capacity;
  const size_t size = (size_t)(to - from);
  if (size > capacity) {
    free(bytes);
    bytes = malloc(size);
    capacity = size;
    if (bytes == NULL)
      die("residue: memory");
  }
  if (!read_memory(from, bytes, size))
    return; /* the stack's guard, say */
  for (size_t at = 0; at + PIECE <= size; at++) {
    struct needle *needle = needles_at(bytes + at);
    if (needle == NULL)
      continue;
    watched.alive |= 1ul << needle->kind;
    if ((kinds >> needle->kind & 1) != 0)
      report(needle, name, from + at, when);
  }
}

static void search_all(unsigned long kinds, const char *when) {
  list_regions();
  for (unsigned i = 0; i < watched.region_count; i++)
    search(watched.regions[i].name, watched.regions[i].from, watched.regions[i].to, kinds, when);
}

static void search_stack(const char *when) {
  const uint64_t top = watched.registers.rsp;
  list_regions();
  for (unsigned i = 0; i < watched.region_count; i++) {
    const struct region *region = &watched.regions[i];
    if (region->from <= top && top < region->to)
      search("stack", region->from, top, KIND_ALL, when);
  }
}

static void search_registers(const char *when) {
  static uint8_t vectors[16384];
  struct iovec room = {vectors, sizeof vectors};
  if (ptrace(PTRACE_GETREGSET, watched.pid, NT_X86_XSTATE, &room) != 0)
    die("residue: registers");
  for (size_t at = 0; at + PIECE <= room.iov_len; at += 4) {
    struct needle *needle = needles_at(vectors + at);
    if (needle != NULL)
      report(needle, "vector registers", at, when);
  }
  uint64_t words[sizeof watched.registers / 8];
  memcpy(words, &watched.registers, sizeof words);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct needle *needle = needles_half(words[i]);
    if (needle != NULL)
      report(needle, "registers", i, when);
  }
}

/* ---- What it tells ---- */

struct block {
  uint64_t at;
  size_t size;
};

static struct block *blocks;

static size_t *block_of(uint64_t at) {
  unsigned i = (unsigned)(at / 16 % BLOCKS);
  for (; blocks[i].at != 0 && blocks[i].at != at; i = (i + 1) % BLOCKS)
    continue;
  blocks[i].at = at;
  return &blocks[i].size;
}

static void learn(unsigned request, uint64_t at, size_t size, enum kind kind) {
  static uint8_t bytes[131072];
  size = size < sizeof bytes ? size : sizeof bytes;
  if (!read_memory(at, bytes, size))
    die("residue: a secret");
  const char *where = strdup(watched.call);
  if (request == REQUEST_ROOM)
    needles_add_block(bytes, size, kind, where);
  else if (request == REQUEST_NUMBER)
    needles_add_number(bytes, size, kind, where);
  else if (kind == KIND_HMAC_STATE)
    needles_add_state(bytes, size, where);
  else
    needles_add(bytes, size, kind, where);
}

/* A room, and those that it points to. */
static void learn_room(uint64_t at, enum kind kind) {
  uint64_t words[512];
  size_t size = *block_of(at);
  if (size == 0)
    return; /* a backend's own: what is in it is its business */
  learn(REQUEST_ROOM, at, size, kind);
  size = size < sizeof words ? size : sizeof words;
  if (!read_memory(at, words, size))
    die("residue: a key");
  for (size_t i = 0; i < size / 8; i++)
    if (words[i] != 0 && words[i] % 16 == 0 && words[i] != at && *block_of(words[i]) > 0)
      learn(REQUEST_ROOM, words[i], *block_of(words[i]), kind);
}

static void answer(void) {
  const unsigned request = (unsigned)watched.registers.rax;
  const uint64_t at = watched.registers.rdi;
  const bool started = watched.call[0] != 0; /* what self-tests compute with is no secret */
  const size_t size = watched.registers.rsi;
  const unsigned long kind = watched.registers.rdx;
  switch (request) {
  case REQUEST_BLOCK:
    *block_of(at) = size;
    return;
  case REQUEST_SECRET:
  case REQUEST_NUMBER:
    if (!started)
      return;
    learn(request, at, size, (enum kind)kind);
    break;
  case REQUEST_ROOM:
    if (!started)
      return;
    learn_room(at, (enum kind)kind);
    break;
  case REQUEST_CALLED:
    snprintf(watched.call, sizeof watched.call, "%s", read_text(at));
    search_stack(watched.call);
    search_registers(watched.call);
    return;
  case REQUEST_AGE:
    needles_age();
    return;
  case REQUEST_GONE:
    watched.only_old = size > 0;
    search_all(kind, read_text(at));
    watched.only_old = false;
    return;
  default:
    die("residue: request");
  }
  /* What lives for part of a call is found only while it does. */
  if (kind < KINDS && (watched.alive >> kind & 1) == 0)
    search_all(0, "");
}

int watch(pid_t pid, unsigned long kinds) {
  char path[64];
  int status;
  watched.pid = pid;
  blocks = calloc(BLOCKS, sizeof *blocks);
  if (blocks == NULL || !needles_start())
    die("residue: memory");
  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
    die("residue: no process to watch");
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL);
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  watched.memory = open(path, O_RDONLY | O_CLOEXEC);
  if (watched.memory < 0)
    die(path);
  int signal = 0;
  for (;;) {
    if (ptrace(PTRACE_CONT, pid, 0, signal) != 0 || waitpid(pid, &status, 0) != pid)
      die("residue: watching");
    if (!WIFSTOPPED(status))
      break;
    signal = WSTOPSIG(status);
    if (signal != SIGTRAP)
      continue;
    signal = 0;
    if (ptrace(PTRACE_GETREGS, pid, 0, &watched.registers) != 0)
      die("residue: registers");
    answer();
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == UNSUPPORTED)
    return UNSUPPORTED;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    printf("  the program failed: status %x\n", (unsigned)status);
    return 1;
  }
  for (unsigned kind = 0; kind < KINDS; kind++)
    if ((kinds & ~watched.alive) >> kind & 1) {
      printf("  no %s was found while there should be one\n", kind_name(kind));
      watched.failures++;
    }
  return watched.failures != 0;
}
