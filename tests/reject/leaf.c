/* Leaves, wherever they come in.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "crypto/x509.h"
#include "forge.h"

#define BIT(member) (1u << (member))

/* Types that nobody knows: one reserved for GREASE (RFC 9420, section 13.5), the others private. */
#define GREASE 0x0a0a
#define GROUP_EXTENSION 0xf123
#define REQUIRED_PROPOSAL 0xf124
#define REQUIRED_EXTENSION 0xf125

/* ---- What is bent in a leaf ---- */

typedef void bend_leaf(struct world *world, struct leaf_forger *forger);

static void straight(struct world *world, struct leaf_forger *forger) {
  (void)world;
  (void)forger;
}

static void short_key(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->fields.encryption_key.size--;
}

static void key_of_small_order(struct world *world, struct leaf_forger *forger) {
  static const uint8_t one[32] = {1};
  (void)world;
  forger->fields.encryption_key = VIEW_ARRAY(one);
}

static void other_version(struct world *world, struct leaf_forger *forger) {
  static const uint8_t list[] = {0, 2};
  (void)world;
  forger->fields.capabilities.versions = VIEW_ARRAY(list);
}

static void other_suites(struct world *world, struct leaf_forger *forger) {
  static const uint8_t list[] = {0, 2, 0, 3};
  (void)world;
  forger->fields.capabilities.cipher_suites = VIEW_ARRAY(list);
}

static void other_credentials(struct world *world, struct leaf_forger *forger) {
  static const uint8_t list[] = {0, 2};
  (void)world;
  forger->fields.capabilities.credentials = VIEW_ARRAY(list);
}

/* An empty extension of the private type. */
static const uint8_t private_extension[] = {0xf1, 0x23, 0};

static void unlisted_extension(struct world *world, struct leaf_forger *forger) {
  (void)world;
  forger->fields.extensions = VIEW_ARRAY(private_extension);
}

static void listed_extension(struct world *world, struct leaf_forger *forger) {
  static const uint8_t list[] = {GREASE >> 8, GREASE & 0xff, 0xf1, 0x23, 0, 1};
  static const uint8_t proposals[] = {GREASE >> 8, GREASE & 0xff, 0, 1, 0, 7};
  static const uint8_t suites[] = {GREASE >> 8, GREASE & 0xff, 0, 1, 0xff, 0xff};
  (void)world;
  forger->fields.extensions = VIEW_ARRAY(private_extension);
  forger->fields.capabilities.extensions = VIEW_ARRAY(list);
  forger->fields.capabilities.proposals = VIEW_ARRAY(proposals);
  forger->fields.capabilities.cipher_suites = VIEW_ARRAY(suites);
}

static void default_extension(struct world *world, struct leaf_forger *forger) {
  static const uint8_t application_id[] = {0, 1, 1, 'x'};
  (void)world;
  forger->fields.extensions = VIEW_ARRAY(application_id);
}

/* RFC 9420 does not say that types are listed once. */
static void listed_twice(struct world *world, struct leaf_forger *forger) {
  static const uint8_t types[] = {0, CREDENTIAL_BASIC, 0xf1, 0x23, 0xf1, 0x23, 0, CREDENTIAL_BASIC};
  (void)world;
  forger->fields.capabilities.extensions = VIEW_ARRAY(types);
  forger->fields.capabilities.proposals = VIEW_ARRAY(types);
  forger->fields.capabilities.credentials = VIEW_ARRAY(types);
}

/* A credential of a type that the application defines. */
static void private_credential(struct world *world, struct leaf_forger *forger) {
  static const uint8_t credential[] = {0xf1, 0x26, 1, 'x'};
  static const uint8_t types[] = {0, CREDENTIAL_BASIC, 0xf1, 0x26};
  (void)world;
  forger->fields.credential = VIEW_ARRAY(credential);
  forger->fields.capabilities.credentials = VIEW_ARRAY(types);
}

static const struct {
  const char *section;
  const char *changed;
  bend_leaf *bend;
  bool valid;
} leaf_rows[] = {
    {"7.2", "nothing", straight, true},
    {"7.2", "nothing: GREASE and default types listed, a listed extension", listed_extension, true},
    {"7.2", "nothing: a default extension that is not listed", default_extension, true},
    {"7.2", "nothing: types listed twice", listed_twice, true},
    {"5.1.1", "encryption_key lacks a byte", short_key, false},
    {"5.1.1", "encryption_key is of small order", key_of_small_order, false},
    {"7.2", "capabilities without MLS 1.0", other_version, false},
    {"7.2", "capabilities without the suite", other_suites, false},
    {"7.2", "capabilities without the own credential type", other_credentials, false},
    {"7.3", "an extension that capabilities do not list", unlisted_extension, false},
    {"7.3", "a credential of a type that members do not list", private_credential, false},
};

#define LEAF_ROWS COUNT(leaf_rows)

/* ---- Where a leaf comes in ---- */

static bend_leaf *bend_now, *bend_committer = straight;

static void in_add(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct key_package_forger forger;
  key_package_forger_begin(&forger, world->joiner.client);
  bend_now(world, &forger.leaf);
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_item(&forgery, propose_add(key_package_forger_end(&forger)));
  forgery_send(&forgery, out);
}

static void in_update(struct world *world, struct bytes *out) {
  struct forgery forgery;
  struct leaf_forger forger;
  const struct member *bob = &world->member[BOB];
  leaf_forger_begin(&forger, bob->client, LEAF_UPDATE, bob->group->epoch->context.group_id, BOB);
  bend_now(world, &forger);
  const struct stored_proposal *stored =
      world_propose(world, BOB, propose_update(leaf_forger_sign(&forger)));
  leaf_forger_end(&forger);
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_reference(&forgery, stored);
  forgery_path(&forgery);
  bend_committer(world, &forgery.path_leaf);
  forgery_finish_path(&forgery);
  world->victims &= ~BIT(BOB); /* who does not know the key of this Update */
  forgery_send(&forgery, out);
}

static void in_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_begin(&forgery, &world->member[MALLORY]);
  forgery_path(&forgery);
  bend_now(world, &forgery.path_leaf);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static void in_external_path(struct world *world, struct bytes *out) {
  struct forgery forgery;
  forgery_external(&forgery, world->joiner.client, world->member[MALLORY].group->epoch);
  forgery_list(&forgery, forgery_external_init(&forgery));
  forgery_path(&forgery);
  bend_now(world, &forgery.path_leaf);
  forgery_finish_path(&forgery);
  forgery_send(&forgery, out);
}

static const struct {
  void (*forge)(struct world *world, struct bytes *out);
  enum err expected;
} places[] = {
    {in_add, ERR_INVALID_PROPOSAL},
    {in_update, ERR_INVALID_PROPOSAL},
    {in_path, ERR_INVALID_COMMIT},
    {in_external_path, ERR_INVALID_COMMIT},
};

#define PLACES COUNT(places)

START_TEST(leaf) {
  const int place = _i % PLACES;
  bend_now = leaf_rows[_i / PLACES].bend;
  const struct row row = {leaf_rows[_i / PLACES].section, leaf_rows[_i / PLACES].changed,
                          places[place].forge,
                          leaf_rows[_i / PLACES].valid ? OK : places[place].expected};
  refuse_message(&row);
}
END_TEST

/* ---- Certificates (section 5.3): which are trusted is for the application to say ---- */

static struct bytes certificate;

static void put_credential(struct leaf_forger *forger, struct bytes credential) {
  bytes_free(&certificate);
  certificate = credential;
  forger->fields.credential = bytes_view(&certificate);
}

static void own_certificate(struct world *world, struct leaf_forger *forger) {
  (void)world;
  put_credential(forger, forge_certificate(forger->fields.signature_key, VIEW_NONE));
}

static void certificate_of_another(struct world *world, struct leaf_forger *forger) {
  put_credential(forger, forge_certificate(
                             bytes_view(&world->member[ERIN].client->signature_public), VIEW_NONE));
}

static void byte_behind_certificate(struct world *world, struct leaf_forger *forger) {
  (void)world;
  put_credential(forger, forge_certificate(forger->fields.signature_key, VIEW_TEXT("\0")));
}

static void broken_certificate(struct world *world, struct leaf_forger *forger) {
  own_certificate(world, forger);
  certificate.data[certificate.size / 2] ^= 0x20;
  certificate.data[8] ^= 0x20; /* TBSCertificate is no SEQUENCE any more */
}

static void empty_chain(struct world *world, struct leaf_forger *forger) {
  static const uint8_t credential[] = {0, CREDENTIAL_X509, 0};
  (void)world;
  forger->fields.credential = VIEW_ARRAY(credential);
}

static void empty_certificate(struct world *world, struct leaf_forger *forger) {
  static const uint8_t credential[] = {0, CREDENTIAL_X509, 1, 0};
  (void)world;
  forger->fields.credential = VIEW_ARRAY(credential);
}

static const struct {
  const char *changed;
  bend_leaf *bend;
  bool valid;
} certificate_rows[] = {
    {"nothing", own_certificate, true},
    {"the certificate of another key", certificate_of_another, false},
    {"a byte behind the certificate", byte_behind_certificate, false},
    {"a certificate that does not parse", broken_certificate, false},
    {"an empty chain", empty_chain, false},
    {"an empty certificate", empty_certificate, false},
};

#define CERTIFICATE_ROWS COUNT(certificate_rows)

START_TEST(certificates) {
  const int place = _i % PLACES;
  bend_now = certificate_rows[_i / PLACES].bend;
  const struct row row = {"5.3", certificate_rows[_i / PLACES].changed, places[place].forge,
                          certificate_rows[_i / PLACES].valid ? OK : places[place].expected};
  refuse_message(&row);
  bytes_free(&certificate);
}
END_TEST

/* Where no certificate can be read, nobody can be told by one. */
static void listed_certificate(struct world *world, struct leaf_forger *forger) {
  static const uint8_t types[] = {0, CREDENTIAL_BASIC, 0, CREDENTIAL_X509};
  own_certificate(world, forger);
  forger->fields.capabilities.credentials = VIEW_ARRAY(types);
}

START_TEST(unreadable_certificate) {
  bend_now = listed_certificate;
  const struct row row = {"", "a certificate, without OpenSSL", places[_i].forge, ERR_UNSUPPORTED};
  refuse_message(&row);
  bytes_free(&certificate);
}
END_TEST

/* ---- A group that requires something ---- */

static const uint8_t group_extension[] = {0xf1, 0x23};
static const uint8_t all_extensions[] = {0xf1, 0x23, 0xf1, 0x25};
static const uint8_t all_proposals[] = {0xf1, 0x24};
static const uint8_t all_credentials[] = {0, CREDENTIAL_BASIC, 0xf1, 0x26};
static const uint8_t basic_only[] = {0, CREDENTIAL_BASIC};
static const uint8_t private_only[] = {0xf1, 0x26};
static const uint8_t required[] = {2, 0xf1, 0x25, 2, 0xf1, 0x24, 2, 0xf1, 0x26};

static void list_all(struct leaf_forger *forger) {
  forger->fields.capabilities.extensions = VIEW_ARRAY(all_extensions);
  forger->fields.capabilities.proposals = VIEW_ARRAY(all_proposals);
  forger->fields.capabilities.credentials = VIEW_ARRAY(all_credentials);
}

/* All members list all there is, and MALLORY puts it into the GroupContext. */
static void require_all(struct world *world) {
  struct writer extensions = {0}, proposal = {0};
  extension_write(&extensions, GROUP_EXTENSION, VIEW_NONE);
  extension_write(&extensions, EXTENSION_REQUIRED_CAPABILITIES, VIEW_ARRAY(required));
  proposal_write_group_context_extensions(&proposal, writer_view(&extensions));
  writer_free(&extensions);
  struct bytes change = taken(&proposal);
  static const uint32_t order[MEMBERS + 1] = {ALICE, BOB, CAROL, ERIN, MALLORY, MALLORY};
  for (size_t i = 0; i <= MEMBERS; i++) {
    struct forgery forgery;
    struct bytes message = {0};
    struct member *by = &world->member[order[i]];
    forgery_begin(&forgery, by);
    if (i == MEMBERS)
      forgery_item(&forgery, change);
    forgery_path(&forgery);
    list_all(&forgery.path_leaf);
    forgery_finish_path(&forgery);
    forgery_adopt(&forgery, by->group, &message);
    world_deliver(world, order[i], &message);
    bytes_free(&message);
  }
}

static void all_listed(struct world *world, struct leaf_forger *forger) {
  (void)world;
  list_all(forger);
}

static void lacks_group_extension(struct world *world, struct leaf_forger *forger) {
  (void)world;
  list_all(forger);
  forger->fields.capabilities.extensions = view_of(all_extensions + 2, 2);
}

static void lacks_required_extension(struct world *world, struct leaf_forger *forger) {
  (void)world;
  list_all(forger);
  forger->fields.capabilities.extensions = VIEW_ARRAY(group_extension);
}

static void lacks_required_proposal(struct world *world, struct leaf_forger *forger) {
  (void)world;
  list_all(forger);
  forger->fields.capabilities.proposals = VIEW_NONE;
}

static void lacks_required_credential(struct world *world, struct leaf_forger *forger) {
  (void)world;
  list_all(forger);
  forger->fields.capabilities.credentials = VIEW_ARRAY(basic_only);
}

static void lacks_credential_in_use(struct world *world, struct leaf_forger *forger) {
  private_credential(world, forger);
  list_all(forger);
  forger->fields.capabilities.credentials = VIEW_ARRAY(private_only);
}

static void has_private_credential(struct world *world, struct leaf_forger *forger) {
  private_credential(world, forger);
  list_all(forger);
}

static const struct {
  const char *section;
  const char *changed;
  bend_leaf *bend;
  bool valid;
} required_rows[] = {
    {"11.1", "nothing", all_listed, true},
    {"7.3", "nothing: a private credential that all members list", has_private_credential, true},
    {"7.3", "the credential type of the others is not listed", lacks_credential_in_use, false},
    {"13.4", "an extension of the GroupContext is not listed", lacks_group_extension, false},
    {"11.1", "a required extension is not listed", lacks_required_extension, false},
    {"11.1", "a required proposal is not listed", lacks_required_proposal, false},
    {"11.1", "a required credential is not listed", lacks_required_credential, false},
};

#define REQUIRED_ROWS COUNT(required_rows)

START_TEST(capability) {
  struct world world;
  struct bytes message = {0};
  const int place = _i % PLACES, at = _i / PLACES;
  const struct row row = {required_rows[at].section, required_rows[at].changed, NULL,
                          required_rows[at].valid ? OK : places[place].expected};
  world_init(&world, 1);
  require_all(&world);
  bend_committer = all_listed;
  bend_now = required_rows[at].bend;
  places[place].forge(&world, &message);
  for (uint32_t i = 0; i < MEMBERS; i++)
    if ((world.victims >> i & 1) != 0)
      expect_refused(&world.member[i], &message, &row);
  bytes_free(&message);
  if (row.expected != OK) {
    bend_now = all_listed;
    in_path(&world, &message);
    world_deliver(&world, MALLORY, &message);
    bytes_free(&message);
  }
  world_free(&world);
}
END_TEST

TCase *reject_leaf(void) {
  TCase *cases = tcase_create("leaf");
  tcase_add_loop_test(cases, leaf, 0, LEAF_ROWS * PLACES);
  if (x509_available())
    tcase_add_loop_test(cases, certificates, 0, CERTIFICATE_ROWS * PLACES);
  else
    tcase_add_loop_test(cases, unreadable_certificate, 0, PLACES);
  tcase_add_loop_test(cases, capability, 0, REQUIRED_ROWS * PLACES);
  return cases;
}
