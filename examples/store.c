/* SPDX-License-Identifier: ISC */
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STORE_VERSION = 1 };

static bool write_all(int fd, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written <= 0) {
      return false;
    }
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

/* Write a file under another name, force it to the disk, and rename it over the old one. */
static bool replace_file(const char *path, const uint8_t *bytes, size_t size) {
  char fresh[4096 + 8];
  snprintf(fresh, sizeof fresh, "%s.new", path);
  const int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, S_IRUSR | S_IWUSR);
  if (fd < 0) {
    return false;
  }
  const bool written = write_all(fd, bytes, size) && fsync(fd) == 0;
  return close(fd) == 0 && written && rename(fresh, path) == 0;
}

static uint8_t *read_whole(const char *path, size_t *size) {
  const int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0) {
    return NULL;
  }
  uint8_t *bytes = NULL;
  if (fstat(fd, &status) == 0 && status.st_size > 0) {
    bytes = malloc((size_t)status.st_size);
    *size = (size_t)status.st_size;
    if (bytes && read(fd, bytes, *size) != status.st_size) {
      free(bytes);
      bytes = NULL;
    }
  }
  close(fd);
  return bytes;
}

/* A phone or a desktop has a better place for this key: its keychain. */
bool store_open(struct store *store, const char *folder) {
  char path[4096];
  size_t size = 0;
  snprintf(store->path, sizeof store->path, "%s/state", folder);
  snprintf(path, sizeof path, "%s/state.key", folder);
  uint8_t *key = read_whole(path, &size);
  if (key && size == sizeof store->key) {
    memcpy(store->key, key, sizeof store->key);
    free(key);
    return true;
  }
  free(key);
  return getentropy(store->key, sizeof store->key) == 0 &&
         replace_file(path, store->key, sizeof store->key);
}

static struct slice slice_of(const e2ee_bytes *bytes) {
  return (struct slice){e2ee_bytes_data(bytes), e2ee_bytes_size(bytes)};
}

bool store_save(const struct store *store, const struct memory *memory) {
  e2ee_bytes *client = NULL;
  e2ee_bytes *group = NULL;
  bool saved = false;
  if (e2ee_client_save(memory->client, store->key, sizeof store->key, &client) == E2EE_OK &&
      (!memory->group ||
       e2ee_group_save(memory->group, store->key, sizeof store->key, &group) == E2EE_OK)) {
    const struct message file = {
        STORE_VERSION, 3, {slice_of(client), slice_of(group), text(memory->note)}};
    size_t size = 0;
    uint8_t *bytes = message_encode(&file, &size);
    saved = replace_file(store->path, bytes, size);
    free(bytes);
  }
  e2ee_bytes_free(client);
  e2ee_bytes_free(group);
  return saved;
}

int store_load(const struct store *store, struct memory *out) {
  size_t size = 0;
  struct message file;
  uint8_t *bytes = read_whole(store->path, &size);
  if (!bytes) {
    return 0;
  }
  struct memory memory = {0};
  int err = E2EE_ERR_STATE_CORRUPT;
  if (message_decode((struct slice){bytes, size}, &file) && file.type == STORE_VERSION &&
      file.field[2].size < sizeof memory.note) {
    memcpy(memory.note, file.field[2].data, file.field[2].size);
    err = e2ee_client_load(store->key, sizeof store->key, file.field[0].data, file.field[0].size,
                           &memory.client);
  }
  if (err == E2EE_OK && file.field[1].size > 0) {
    err = e2ee_group_load(memory.client, store->key, sizeof store->key, file.field[1].data,
                          file.field[1].size, &memory.group);
  }
  free(bytes);
  if (err != E2EE_OK) {
    e2ee_client_free(memory.client);
    return err;
  }
  *out = memory;
  return 1;
}
