/*
 * What is left of secrets in memory: two clients live through keys, groups, messages, commits,
 * frames and saved state, while another process looks for everything that was secret (watch.h): on
 * the stack and in registers after every call, and in all memory where a secret's life has ended.
 *
 *   residue MLS-SUITE SFRAME-SUITE    1 if something was found, 77 if there are no such suites here
 *
 * tests/residue.sh builds the programs.
 * SPDX-License-Identifier: ISC
 */
#include <e2ee/media.h>
#include <e2ee/mls.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "trap.h"
#include "watch.h"

#define TEXT(text) (const uint8_t *)(text), sizeof(text) - 1
#define BYTES(bytes) e2ee_bytes_data(bytes), e2ee_bytes_size(bytes)

/* Call, with nothing between the return and the look at what is left. */
#define CALL(call)                                                                                 \
  do {                                                                                             \
    int result = (call);                                                                           \
    residue_tell(REQUEST_CALLED, #call, 0, 0);                                                     \
    if (result != 0) {                                                                             \
      fprintf(stderr, "residue: %s: %s\n", #call, e2ee_strerror(result));                          \
      exit(2);                                                                                     \
    }                                                                                              \
  } while (0)

/* The same for what returns nothing. */
#define FREE(call)                                                                                 \
  do {                                                                                             \
    call;                                                                                          \
    residue_tell(REQUEST_CALLED, #call, 0, 0);                                                     \
  } while (0)

#define GONE(text, kinds) residue_tell(REQUEST_GONE, text, 0, kinds)
#define OLD_GONE(text, kinds) residue_tell(REQUEST_GONE, text, 1, kinds)
#define AGE() residue_tell(REQUEST_AGE, NULL, 0, 0)

/* ---- The application's own secrets: made at random, told, and wiped when they are used up ---- */

static uint8_t state_key[32], psk[32], base_key[32];

static void secret_make(uint8_t *bytes, enum kind kind) {
  FILE *random = fopen("/dev/urandom", "rb");
  if (random == NULL || setvbuf(random, NULL, _IONBF, 0) != 0 || fread(bytes, 1, 32, random) != 32)
    exit(2);
  fclose(random);
  residue_tell(REQUEST_SECRET, bytes, 32, kind);
}

static void secret_forget(uint8_t *bytes) {
  memset(bytes, 0, 32);
  __asm__ volatile("" : : "r"(bytes) : "memory");
}

/* ---- Frames ---- */

static void plain_frames(e2ee_sender *sender, e2ee_receiver *receiver) {
  static const size_t sizes[] = {0, 1, 15, 16, 33, 63, 100, 255, 256, 300, 1000, 2000};
  static uint8_t frame[4096], out[4096], input[2048];
  size_t size = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    CALL(e2ee_sender_encrypt(sender, TEXT("metadata of more than one block"), input, sizes[i],
                             frame, sizeof frame, &size));
    CALL(e2ee_receiver_decrypt(receiver, TEXT("metadata of more than one block"), frame, size, out,
                               sizeof out, &size, NULL, 0));
  }
  CALL(e2ee_sender_encrypt(sender, NULL, 0, input, 100, frame, sizeof frame, &size));
  frame[size - 1] ^= 1;
  if (e2ee_receiver_decrypt(receiver, NULL, 0, frame, size, out, sizeof out, &size, NULL, 0) !=
      E2EE_ERR_AUTH)
    exit(2);
  residue_tell(REQUEST_CALLED, "a forged frame", 0, 0);
}

static void partial_frames(e2ee_sender *sender, e2ee_receiver *receiver) {
  static const e2ee_range clear[] = {{3, 7}, {40, 300}, {900, 5}};
  static uint8_t frame[4096], out[4096], input[2048];
  size_t size = 0;
  CALL(e2ee_sender_encrypt_partial(sender, E2EE_CODEC_H264, NULL, 0, input, sizeof input, clear, 3,
                                   frame, sizeof frame, &size));
  CALL(e2ee_receiver_decrypt_partial(receiver, NULL, 0, frame, size, out, sizeof out, &size, NULL,
                                     0));
}

static void media_of_group(uint16_t suite, e2ee_group *from, e2ee_group *to, uint64_t epoch) {
  e2ee_media *mine = NULL, *theirs = NULL;
  e2ee_sender *sender = NULL;
  e2ee_receiver *receiver = NULL;
  CALL(e2ee_media_new(suite, &mine));
  CALL(e2ee_media_new(suite, &theirs));
  CALL(e2ee_media_install(mine, from));
  CALL(e2ee_media_install(theirs, to));
  CALL(e2ee_sender_new(mine, &sender));
  CALL(e2ee_media_activate(mine, epoch));
  CALL(e2ee_receiver_new(theirs, &receiver));
  plain_frames(sender, receiver);
  partial_frames(sender, receiver);
  CALL(e2ee_media_retire(mine, epoch + 1));
  CALL(e2ee_media_retire(theirs, epoch + 1));
  GONE("e2ee_media_retire()", KIND(FRAME_KEY) | KIND(ROUND_KEYS) | KIND(BASE_KEY));
  FREE(e2ee_sender_free(sender));
  FREE(e2ee_receiver_free(receiver));
  FREE(e2ee_media_free(mine));
  FREE(e2ee_media_free(theirs));
}

static void media_of_senders(uint16_t suite) {
  e2ee_media *mine = NULL, *theirs = NULL;
  e2ee_sender *sender = NULL;
  e2ee_receiver *receiver = NULL;
  e2ee_bytes *next = NULL;
  uint64_t step = 0;
  secret_make(base_key, KIND_BASE_KEY);
  CALL(e2ee_media_new_sender_keys(suite, 0, &mine));
  CALL(e2ee_media_new_sender_keys(suite, 0, &theirs));
  CALL(e2ee_media_set_own_key(mine, 0, base_key, sizeof base_key));
  CALL(e2ee_media_add_sender(theirs, 1, 0));
  CALL(e2ee_media_set_sender_key(theirs, 1, 0, 0, base_key, sizeof base_key));
  secret_forget(base_key);
  CALL(e2ee_sender_new(mine, &sender));
  CALL(e2ee_media_receiver_new(theirs, 1, &receiver));
  for (unsigned i = 0; i < 3; i++) {
    plain_frames(sender, receiver);
    CALL(e2ee_media_ratchet(mine, &step, &next));
    FREE(e2ee_bytes_free(next));
  }
  partial_frames(sender, receiver);
  CALL(e2ee_media_retire(mine, UINT64_MAX));
  CALL(e2ee_media_retire(theirs, UINT64_MAX));
  GONE("the end of sender keys", KIND(FRAME_KEY) | KIND(ROUND_KEYS) | KIND(BASE_KEY));
  FREE(e2ee_sender_free(sender));
  FREE(e2ee_receiver_free(receiver));
  FREE(e2ee_media_free(mine));
  FREE(e2ee_media_free(theirs));
}

/* ---- Groups ---- */

static void message(e2ee_group *from, e2ee_group *to) {
  e2ee_bytes *sealed = NULL;
  e2ee_incoming *incoming = NULL;
  CALL(e2ee_group_encrypt(from, TEXT("a message that is no secret here"), &sealed));
  CALL(e2ee_group_process(to, BYTES(sealed), &incoming));
  FREE(e2ee_incoming_free(incoming));
  FREE(e2ee_bytes_free(sealed));
  GONE("a message that was read", KIND(MESSAGE_KEY));
}

static void commit_between(e2ee_group *from, e2ee_group *to, bool with_psk) {
  e2ee_commit *commit = NULL;
  e2ee_bytes *sealed = NULL, *welcome = NULL;
  e2ee_incoming *incoming = NULL;
  AGE();
  CALL(e2ee_commit_new(from, &commit));
  if (with_psk)
    CALL(e2ee_commit_psk(commit, TEXT("psk")));
  CALL(e2ee_commit_build(commit, &sealed, &welcome));
  CALL(e2ee_group_commit_accepted(from));
  FREE(e2ee_commit_free(commit));
  CALL(e2ee_group_process(to, BYTES(sealed), &incoming));
  CALL(e2ee_incoming_accept(incoming));
  FREE(e2ee_incoming_free(incoming));
  FREE(e2ee_bytes_free(sealed));
  FREE(e2ee_bytes_free(welcome));
  GONE("a commit", KIND(PATH_SECRET));
  OLD_GONE("a commit", KIND(EPOCH_SECRET) | KIND(RATCHET));
}

static void update(e2ee_group *from, e2ee_group *to) {
  e2ee_bytes *sealed = NULL;
  e2ee_incoming *incoming = NULL;
  CALL(e2ee_group_propose_update(from, &sealed));
  CALL(e2ee_group_process(to, BYTES(sealed), &incoming));
  CALL(e2ee_incoming_accept(incoming));
  FREE(e2ee_incoming_free(incoming));
  FREE(e2ee_bytes_free(sealed));
}

/* A group as it was saved; the one before is freed. */
static void reload(e2ee_client *client, e2ee_group **group) {
  e2ee_bytes *blob = NULL;
  CALL(e2ee_group_save(*group, state_key, sizeof state_key, &blob));
  FREE(e2ee_group_free(*group));
  CALL(e2ee_group_load(client, state_key, sizeof state_key, BYTES(blob), group));
  FREE(e2ee_bytes_free(blob));
}

/* Of epochs that are past, so that their end is that of their secrets. */
static void keep_nothing(e2ee_client *client) {
  CALL(e2ee_client_set(client, E2EE_SET_PAST_EPOCHS, 0));
  CALL(e2ee_client_set(client, E2EE_SET_RESUMPTION_EPOCHS, 0));
}

static void reload_client(e2ee_client **client) {
  e2ee_bytes *blob = NULL;
  CALL(e2ee_client_save(*client, state_key, sizeof state_key, &blob));
  FREE(e2ee_client_free(*client));
  CALL(e2ee_client_load(state_key, sizeof state_key, BYTES(blob), client));
  keep_nothing(*client);
  FREE(e2ee_bytes_free(blob));
}

static void meet(e2ee_client *alice, e2ee_client *bob, e2ee_group **mine, e2ee_group **theirs) {
  e2ee_bytes *card = NULL, *sealed = NULL, *welcome = NULL;
  e2ee_commit *commit = NULL;
  e2ee_incoming *incoming = NULL;
  CALL(e2ee_key_package_new(bob, &card));
  CALL(e2ee_group_new(alice, TEXT("call"), mine));
  CALL(e2ee_commit_new(*mine, &commit));
  CALL(e2ee_commit_add(commit, BYTES(card)));
  CALL(e2ee_commit_build(commit, &sealed, &welcome));
  CALL(e2ee_group_commit_accepted(*mine));
  FREE(e2ee_commit_free(commit));
  CALL(e2ee_welcome_open(bob, BYTES(welcome), NULL, 0, &incoming));
  CALL(e2ee_incoming_join(incoming, theirs));
  FREE(e2ee_incoming_free(incoming));
  FREE(e2ee_bytes_free(sealed));
  FREE(e2ee_bytes_free(welcome));
  FREE(e2ee_bytes_free(card));
  GONE("joining", KIND(PATH_SECRET));
}

static int live(uint16_t suite, uint16_t frames) {
  e2ee_client *alice = NULL, *bob = NULL;
  e2ee_group *mine = NULL, *theirs = NULL;
  CALL(e2ee_init());
  CALL(e2ee_client_new(suite, TEXT("alice"), &alice));
  CALL(e2ee_client_new(suite, TEXT("bob"), &bob));
  keep_nothing(alice);
  keep_nothing(bob);
  secret_make(state_key, KIND_STATE_KEY);
  reload_client(&bob);
  meet(alice, bob, &mine, &theirs);
  for (unsigned i = 0; i < 3; i++) {
    message(mine, theirs);
    message(theirs, mine);
  }
  media_of_group(frames, mine, theirs, 1);
  commit_between(mine, theirs, false);
  commit_between(theirs, mine, false);
  media_of_group(frames, theirs, mine, 3);
  update(theirs, mine);
  reload(alice, &mine);
  commit_between(mine, theirs, false);
  secret_make(psk, KIND_PSK);
  CALL(e2ee_client_add_psk(alice, TEXT("psk"), psk, sizeof psk));
  CALL(e2ee_client_add_psk(bob, TEXT("psk"), psk, sizeof psk));
  secret_forget(psk);
  commit_between(mine, theirs, true);
  CALL(e2ee_client_remove_psk(alice, TEXT("psk")));
  CALL(e2ee_client_remove_psk(bob, TEXT("psk")));
  GONE("e2ee_client_remove_psk()", KIND(PSK));
  message(theirs, mine);
  reload(bob, &theirs);
  secret_forget(state_key);
  GONE("saving and loading", KIND(STATE_KEY));
  FREE(e2ee_group_free(mine));
  FREE(e2ee_group_free(theirs));
  FREE(e2ee_client_free(alice));
  FREE(e2ee_client_free(bob));
  media_of_senders(frames);
  GONE("everything", KIND_ALL);
  return 0;
}

int main(int argc, char **argv) {
  /* Without an engine of ours, AES keys are in memory that the backend has for itself. */
  const char *aes = getenv("RESIDUE_AES");
  const bool ours = aes == NULL || strcmp(aes, "none") != 0;
  if (argc != 3)
    return 2;
  const uint16_t suite = (uint16_t)atoi(argv[1]), frames = (uint16_t)atoi(argv[2]);
  setvbuf(stdout, NULL, _IOLBF, 0);
  const pid_t pid = fork();
  if (pid < 0)
    return 2;
  if (pid == 0) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
      return 2;
    if (e2ee_init() != 0 || e2ee_supported(E2EE_SUITE_MLS, suite) == 0 ||
        e2ee_supported(E2EE_SUITE_SFRAME, frames) == 0)
      _exit(UNSUPPORTED);
    _exit(live(suite, frames));
  }
  return watch(pid, ours ? KIND_ALL : KIND_ALL & ~KIND(ROUND_KEYS));
}
