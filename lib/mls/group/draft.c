/* SPDX-License-Identifier: ISC */
#include "mls/group/draft.h"

enum err draft_psk(const struct group *group, struct view id, struct bytes *out) {
  struct view psk;
  if (!client_find_psk(group->client, id, &psk))
    return refuse(&group->client->why, ERR_NOT_FOUND, "the client has no PSK of that id");
  return psk_proposal(group->epoch->suite, (struct psk_id){.type = PSK_EXTERNAL, .external_id = id},
                      out);
}

enum err draft_resumption_psk(const struct group *group, uint64_t epoch, struct bytes *out) {
  struct view psk;
  struct psk_id id = {.type = PSK_RESUMPTION,
                      .usage = PSK_APPLICATION,
                      .psk_group_id = group_identifier(group),
                      .psk_epoch = epoch};
  if (!group_resumption_psk(group, epoch, &psk))
    return refuse(&group->client->why, ERR_NOT_FOUND,
                  "RFC 9420, section 8.6: the resumption PSK of epoch %llu is not kept",
                  (unsigned long long)epoch);
  return psk_proposal(group->epoch->suite, id, out);
}

enum err draft_reinit(const struct group *group, struct view group_id, uint16_t cipher_suite,
                      struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  struct bytes extensions = {0};
  const struct epoch *epoch = group->epoch;
  const struct suite *next = suite_find(cipher_suite);
  TRY(require(next != NULL, &group->client->why, ERR_UNSUPPORTED, "there is no cipher suite %u",
              cipher_suite));
  TRY(require(!view_equal(group_id, group_identifier(group)), &group->client->why, ERR_INVALID_ARG,
              "RFC 9420, section 11.2: the new group needs an id of its own"));
  /* The keys of external senders are those of a signature scheme. */
  uint16_t dropped = next->signature == epoch->suite->signature ? 0 : EXTENSION_EXTERNAL_SENDERS;
  TRY(draft_set_extension(epoch->context.extensions, dropped, VIEW_NONE, &extensions));
  proposal_write_reinit(&writer, group_id, MLS_VERSION_10, cipher_suite, bytes_view(&extensions));
  TRY(writer_take(&writer, out));
done:
  bytes_free(&extensions);
  writer_free(&writer);
  return err;
}

enum err draft_custom(const struct group *group, uint16_t type, struct view data,
                      struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  TRY(require(proposal_is_custom(type), &group->client->why, ERR_INVALID_ARG,
              "proposal type %u is not the application's", type));
  proposal_write_custom(&writer, type, data);
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

enum err draft_extensions(struct view extensions, struct bytes *out) {
  struct writer writer = {0};
  proposal_write_group_context_extensions(&writer, extensions);
  enum err err = writer_take(&writer, out);
  writer_free(&writer);
  return err;
}

static void write_without_grease(struct writer *writer, struct view list) {
  for (size_t i = 0; i < list.size / 2; i++)
    if (!type_is_grease(list_at(list, i)))
      write_u16(writer, list_at(list, i));
}

/* One extension of the GroupContext as it goes into a list of ours: what asks for GREASE, in a group
 * where it got in, is dropped. */
static enum err keep_extension(struct writer *writer, const struct extension *extension) {
  enum err err = OK;
  struct bytes required = {0};
  if (type_is_grease(extension->type))
    return OK;
  if (extension->type == EXTENSION_REQUIRED_CAPABILITIES) {
    TRY(draft_require(extension->data, TYPE_EXTENSION, 0, &required));
    extension_write(writer, extension->type, bytes_view(&required));
  } else {
    extension_write(writer, extension->type, extension->data);
  }
done:
  bytes_free(&required);
  return err;
}

enum err draft_set_extension(struct view extensions, uint16_t type, struct view data,
                             struct bytes *out) {
  enum err err = OK;
  struct writer writer = {0};
  struct reader reader = reader_of(extensions);
  while (reader.left > 0) {
    struct extension extension;
    TRY(extension_read(&reader, &extension));
    if (extension.type != type)
      TRY(keep_extension(&writer, &extension));
  }
  if (data.data != NULL)
    extension_write(&writer, type, data);
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}

enum err draft_require(struct view now, enum type_kind kind, uint16_t type, struct bytes *out) {
  enum err err = OK;
  struct capabilities required = {0};
  struct writer writer = {0};
  if (now.size > 0)
    TRY(required_capabilities_read(now, &required));
  struct view lists[TYPE_KINDS] = {[TYPE_EXTENSION] = required.extensions,
                                   [TYPE_PROPOSAL] = required.proposals,
                                   [TYPE_CREDENTIAL] = required.credentials};
  for (enum type_kind each = TYPE_EXTENSION; each < TYPE_KINDS; each++) {
    size_t begin = write_begin(&writer);
    write_without_grease(&writer, lists[each]);
    if (each == kind && type != 0 && !list_has(lists[each], type))
      write_u16(&writer, type);
    write_end(&writer, begin);
  }
  TRY(writer_take(&writer, out));
done:
  writer_free(&writer);
  return err;
}
