/*
 * Which mutant is alive, and which of them a program comes past: those stand in the file that
 * MUTANT_SEEN names, shared with all processes that the program forks.
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mutant.h"

#define MUTANTS_MAX (1 << 16)

static unsigned char unseen[MUTANTS_MAX];
int mutant_chosen;
unsigned char *mutant_seen = unseen;

__attribute__((constructor)) static void choose(void) {
  const char *number = getenv("MUTANT"), *file = getenv("MUTANT_SEEN");
  if (number != NULL)
    mutant_chosen = atoi(number);
  if (file == NULL)
    return;
  int fd = open(file, O_RDWR | O_CREAT, 0666);
  if (fd < 0 || ftruncate(fd, MUTANTS_MAX) != 0)
    abort();
  void *shared = mmap(NULL, MUTANTS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED)
    abort();
  mutant_seen = shared;
  close(fd);
}
