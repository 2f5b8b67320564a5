/* SPDX-License-Identifier: ISC */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

FORMAT(2, 0) static void explain(struct why *why, const char *format, va_list arguments) {
  if (why != NULL)
    (void)vsnprintf(why->text, sizeof why->text, format, arguments);
}

enum err refuse(struct why *why, enum err err, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  explain(why, format, arguments);
  va_end(arguments);
  return err;
}

enum err require(bool holds, struct why *why, enum err err, const char *format, ...) {
  if (holds)
    return OK;
  va_list arguments;
  va_start(arguments, format);
  explain(why, format, arguments);
  va_end(arguments);
  return err;
}
