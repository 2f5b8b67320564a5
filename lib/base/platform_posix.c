/* Linux, Android, macOS and other systems with POSIX.  SPDX-License-Identifier: ISC */
#include "base/platform.h"

#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

/* ---- Mutexes, and what is done once ---- */

enum err platform_mutex_init(struct platform_mutex *mutex) {
  return pthread_mutex_init(&mutex->native, NULL) == 0 ? OK : ERR_NOMEM;
}

void platform_mutex_destroy(struct platform_mutex *mutex) {
  (void)pthread_mutex_destroy(&mutex->native);
}

void platform_mutex_take(struct platform_mutex *mutex) {
  (void)pthread_mutex_lock(&mutex->native);
}

void platform_mutex_leave(struct platform_mutex *mutex) {
  (void)pthread_mutex_unlock(&mutex->native);
}

void platform_once(struct platform_once *once, void (*run)(void)) {
  (void)pthread_once(&once->native, run);
}

/* ---- Threads ---- */

static void *thread_main(void *argument) {
  struct platform_thread *thread = argument;
  thread->run(thread->argument);
  return NULL;
}

/* Threads inherit the mask of the one that starts them. */
unsigned platform_threads_start(struct platform_thread *threads, unsigned count) {
  sigset_t all, before;
  unsigned started = 0;
  if (count == 0)
    return 0;
  (void)sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
    return 0;
  while (started < count &&
         pthread_create(&threads[started].native, NULL, thread_main, &threads[started]) == 0)
    started++;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

void platform_thread_join(struct platform_thread *thread) {
  (void)pthread_join(thread->native, NULL);
}

/* Where a system has no cancellation, as Android, there is nothing to turn off. */
int platform_cancel_off(void) {
  int before = 0;
#ifdef PTHREAD_CANCEL_DISABLE
  (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
#endif
  return before;
}

void platform_cancel_back(int before) {
#ifdef PTHREAD_CANCEL_DISABLE
  (void)pthread_setcancelstate(before, &before);
#else
  (void)before;
#endif
}

void platform_yield(void) {
  (void)sched_yield();
}

void platform_sleep(uint32_t nanoseconds) {
  const struct timespec moment = {0, (long)nanoseconds};
  (void)nanosleep(&moment, NULL);
}

/* ---- Memory for secrets ---- */

size_t platform_page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* sodium_mlock() also asks the system to leave the pages out of core dumps.  A small RLIMIT_MEMLOCK
 * leaves them unlocked. */
void *platform_pages_new(size_t size) {
  void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return NULL;
  (void)sodium_mlock(pages, size);
  return pages;
}

void platform_pages_free(void *pages, size_t size) {
  (void)sodium_munlock(pages, size); /* wipes */
  (void)munmap(pages, size);
}

/* ---- Randomness, and the time ---- */

bool platform_has_random(void) {
  uint8_t probe[16];
  return getentropy(probe, sizeof probe) == 0;
}

/* Not time(), which may be a tick behind: what was made just now would not be valid yet. */
bool platform_clock(uint64_t *seconds) {
  struct timespec now = {0};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < 0)
    return false;
  *seconds = (uint64_t)now.tv_sec;
  return true;
}
