#!/usr/bin/env python3
"""Print `N passed, N failed, N skipped` from the log that `meson test` has left in a build folder last.
SPDX-License-Identifier: ISC"""
import json
import pathlib
import sys

# With a wrapper, such as valgrind, the log has another name.
logs = pathlib.Path(sys.argv[1], "meson-logs").glob("testlog*.json")
with max(logs, key=lambda log: log.stat().st_mtime_ns).open() as log:
    results = [json.loads(line)["result"] for line in log]
passed, skipped = results.count("OK"), results.count("SKIP")
print(f"{passed} passed, {len(results) - passed - skipped} failed, {skipped} skipped")
