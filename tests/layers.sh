#!/bin/bash
# Check that every #include in lib/ goes to the same layer or to one below it, and that backends and
# operating systems stay where they belong.  The rules are the function `allowed`; the
# list under it holds includes that must be refused, so that a rule that rots is noticed.
# SPDX-License-Identifier: ISC
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

# allowed FROM INCLUDE: FROM is LAYER/FILE, INCLUDE as in the source, such as "base/buf.h" or <time.h>.
allowed() {
  case "$1 $2" in
  # Each layer with the layers that it sees.
  base/*' "base/'*) ;;
  crypto/*' "'base/* | crypto/*' "'crypto/* | crypto/*' "config.h"') ;;
  bitstream/*' "'base/* | bitstream/*' "'bitstream/*) ;;
  mls/*' "'base/* | mls/*' "'crypto/*) ;;
  # Its rooms: wire, tree, keys, group.
  mls/wire/*' "'mls/wire/*) ;;
  mls/tree/*' "'mls/wire/* | mls/tree/*' "'mls/tree/*) ;;
  mls/keys/*' "'mls/wire/* | mls/keys/*' "'mls/tree/* | mls/keys/*' "'mls/keys/*) ;;
  mls/group/*' "'mls/*) ;;
  state/*' "'base/* | state/*' "'crypto/* | state/*' "'mls/* | state/*' "'state/*) ;;
  sframe/*' "'base/* | sframe/*' "'crypto/* | sframe/*' "'sframe/*) ;;
  media/*' "'base/* | media/*' "'crypto/* | media/*' "'mls/* | media/*' "'sframe/*) ;;
  media/*' "'media/*) ;;
  api/*' "'base/* | api/*' "'crypto/* | api/*' "'mls/* | api/*' "'state/* | api/*' "'sframe/*) ;;
  api/*' "'bitstream/* | api/*' "'media/* | api/*' "'api/*) ;;
  # Backends and what only some layers may use.
  base/secret.c\ '<sodium.h>' | base/wipe.c\ '<sodium.h>' | crypto/sodium*.c\ '<sodium.h>') ;;
  crypto/provider.c\ '<sodium.h>') ;; # randomness
  crypto/aes*.[ch]\ '<immintrin.h>' | crypto/aes*.[ch]\ '<arm_neon.h>') ;;
  crypto/aescpu.c\ '<cpuid.h>' | crypto/aescpu.c\ '<sys/auxv.h>' | crypto/aescpu.c\ '<sys/sysctl.h>') ;;
  crypto/tomcrypt*.[ch]\ '<tomcrypt'*) ;;
  crypto/openssl*.[ch]\ '<openssl/'*) ;;
  state/*\ '<cbor.h>' | state/*\ '<cbor/'*) ;;
  base/platform*' <'*) ;; # the system's
  # C11, without what systems do differently: errno.h, signal.h, threads.h, time.h.
  *' <assert.h>' | *' <inttypes.h>' | *' <limits.h>' | *' <stdalign.h>' | *' <stdarg.h>') ;;
  *' <stdatomic.h>' | *' <stdbool.h>' | *' <stddef.h>' | *' <stdint.h>' | *' <stdio.h>') ;;
  *' <stdlib.h>' | *' <string.h>') ;;
  *' <e2ee/e2ee.h>' | *' <e2ee/media.h>' | *' <e2ee/mls.h>') ;;
  *) return 1 ;;
  esac
}

failures=0
complain() {
  echo "$*" >&2
  failures=$((failures + 1))
}

while read -r from include; do
  allowed "$from" "$include" && complain "the rules would let lib/$from include $include"
done <<'END'
base/buf.c "crypto/suite.h"
base/buf.c <sodium.h>
crypto/kdf.c "mls/tree/tree.h"
crypto/kdf.c <sodium.h>
crypto/suite.c <openssl/evp.h>
crypto/ctrhmac.c <immintrin.h>
crypto/aesni.c <cpuid.h>
mls/tree/tree.c "state/snapshot.h"
mls/tree/tree.c "config.h"
mls/tree/tree.c <pthread.h>
mls/tree/tree.c <cbor.h>
mls/tree/tree.c "api/group.h"
mls/tree/tree.c "../crypto/suite.h"
mls/wire/leaf.c "mls/tree/tree.h"
mls/tree/tree.c "mls/keys/schedule.h"
mls/keys/psk.c "mls/group/epoch.h"
state/snapshot.c "api/group.h"
state/snapshot.c "sframe/key.h"
sframe/key.c "mls/keys/schedule.h"
sframe/partial.c "bitstream/ranges.h"
bitstream/av1.c "sframe/partial.h"
bitstream/av1.c "crypto/provider.h"
sframe/key.c <sodium.h>
media/media.c "api/client.h"
media/media.c "state/snapshot.h"
api/client.c <openssl/evp.h>
api/client.c <cbor.h>
base/mem.c <malloc.h>
base/sync.h <pthread.h>
base/sync.c <sched.h>
base/parallel.c <signal.h>
base/secret.c <sys/mman.h>
base/secret.c <unistd.h>
base/platform.c "crypto/provider.h"
crypto/suite.c <pthread.h>
crypto/provider.c <sys/random.h>
crypto/provider.c <unistd.h>
crypto/openssl.c <errno.h>
mls/group/client.c <time.h>
sframe/key.c <threads.h>
media/sender.c <pthread.h>
api/credential.c <time.h>
api/client.c <windows.h>
END

count=0
pairs=
while IFS=: read -r file line text; do
  include=$(sed -E 's/^[^"<]*(["<][^">]*[">]).*/\1/' <<<"$text")
  allowed "${file#lib/}" "$include" || complain "$file:$line: must not include $include"
  # A module is what its header and its source include: .c and .h are one.
  from=${file#lib/} to=${include//\"/}
  [[ $include == '<'* ]] || [ "${from%.?}" = "${to%.h}" ] || pairs+="${from%.?} ${to%.h}"$'\n'
  count=$((count + 1))
done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' lib)

# No files include each other in a circle.
circle=$(tsort <<<"$pairs" 2>&1 >/dev/null | sed 's/^tsort: //' | tr '\n' ' ')
[ -z "$circle" ] || complain "files that include each other: $circle"

# Where base/platform.h is seen, so are the headers of the system.  aescpu asks what a processor has.
while read -r line; do
  complain "$line: operating systems belong in base/platform*"
done < <(grep -rnE --include='*.[ch]' --exclude='platform*.[ch]' --exclude=aescpu.c \
  '\b(pthread|sched)_[a-z]|\b(clock_gettime|nanosleep)\b|\btime(spec\b|\(NULL)|\b_WIN32|\b__(APPLE|linux|unix|wasi)' lib)

# The public functions know no wire format.
while read -r line; do
  complain "$line: parsing and encoding belong below api/"
done < <(grep -rnE 'struct (reader|writer)\b' lib/api --include='*.[ch]')

echo "$count includes, $failures refused"
[ "$count" -gt 0 ] && [ "$failures" -eq 0 ]
