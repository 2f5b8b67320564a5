/* What a member must refuse.  SPDX-License-Identifier: ISC */
#include "chapters.h"
#include "tests/run.h"
#include "world.h"

#define TIMEOUT_SECONDS 60

int main(void) {
  static TCase *(*const chapters[])(void) = {
      reject_encoding,  reject_leaf,    reject_key_package, reject_framing, reject_private,
      reject_proposals, reject_lists,   reject_commit,      reject_path,    reject_external,
      reject_welcome,   reject_tree,    reject_info,        reject_senders, reject_resume,
      reject_life,      reject_removed, reject_grease,      reject_sizes,
  };
  Suite *suite = suite_create("reject");
  for (size_t i = 0; i < sizeof chapters / sizeof chapters[0]; i++) {
    TCase *cases = chapters[i]();
    tcase_set_timeout(cases, TIMEOUT_SECONDS);
    tcase_add_unchecked_fixture(cases, world_prepare, world_discard);
    suite_add_tcase(suite, cases);
  }
  return run_suite(suite);
}
