#!/bin/bash
# How much of the library do the fuzz targets run, each alone and all together?  It replays the corpora
# that are committed, and what fuzz/run.sh has found besides; lines of lib/mls, lib/state, lib/sframe
# and lib/media count.  Fails where all together run less than they did.
#
#   tests/fuzz-coverage.sh [TARGET]...        all targets by default
#
# A minute once it is built.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need_packages gcovr

# In percent.  To be made more, never less.
at_least=90

folder=build-fuzz-coverage
counted=(--root . --filter 'lib/(mls|state|sframe|media)/')
targets=("$@")
[ $# -gt 0 ] || targets=(calls decode forged frame group partial senderkeys state)

[ -f "$folder/build.ninja" ] ||
  meson setup "$folder" -Db_coverage=true -Doptimization=0 -Dopenssl=enabled >/dev/null
ninja -C "$folder" "${targets[@]/#/fuzz/replay-}" >/dev/null

# percent REPORT: of lines, by part of the library and in all.
percent() {
  python3 -B - "$1" <<'END'
import collections, json, sys
lines, run = collections.Counter(), collections.Counter()
for file in json.load(open(sys.argv[1], encoding="utf-8"))["files"]:
    for line in file["lines"]:
        if not line.get("gcovr/noncode"):
            for part in (file["file"].split("/")[1], "all"):
                lines[part] += 1
                run[part] += line["count"] > 0
print("  ".join(f"{part} {100 * run[part] / lines[part]:.1f}"
                for part in ("mls", "state", "sframe", "media", "all")))
END
}

together=()
for target in "${targets[@]}"; do
  find "$folder" -name '*.gcda' -delete
  inputs=("fuzz/corpus/$target")
  [ ! -d "build-fuzz/corpus/$target" ] || inputs+=("build-fuzz/corpus/$target")
  "$folder/fuzz/replay-$target" "${inputs[@]}" | tail -n 1 >"$folder/$target.txt"
  gcovr "${counted[@]}" --json "$folder/$target.json" "$folder/lib"
  printf '%-12s %12s  %s\n' "$target" "$(cat "$folder/$target.txt")" \
    "$(percent "$folder/$target.json")"
  together+=(-a "$folder/$target.json")
done
gcovr "${counted[@]}" "${together[@]}" --json "$folder/together.json"
sum=$(percent "$folder/together.json")
printf '%-12s %12s  %s\n' together '' "$sum"
if [ $# -eq 0 ] && [ "$(printf '%.0f' "${sum##* }")" -lt "$at_least" ]; then
  echo "less than $at_least percent" >&2
  exit 1
fi
