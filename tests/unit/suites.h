/*
 * The same tests with every cipher suite of this build: they differ in sizes and backends.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_SUITES_H
#define TESTS_SUITES_H

#include "crypto/provider.h"
#include "crypto/suite.h"
#include "tests/run.h"

/** @param of_the_day  where the tests find their suite  @return what main() returns */
static inline int run_with_each_suite(const char *name, void (*add_tests)(TCase *),
                                      const struct suite **of_the_day) {
  if (provider_init() != OK)
    return EXIT_FAILURE;
  int result = EXIT_SUCCESS;
  for (size_t i = 0; suite_id_at(i) != 0; i++) {
    *of_the_day = suite_find(suite_id_at(i));
    if (*of_the_day == NULL)
      continue;
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 120);
    add_tests(tests);
    if (run_case(name, tests) != EXIT_SUCCESS)
      result = EXIT_FAILURE;
  }
  return result;
}

#endif
