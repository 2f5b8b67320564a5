#!/usr/bin/env python3
"""Print `N passed, N failed, N skipped` from the log that `meson test` leaves in a build folder.
SPDX-License-Identifier: ISC"""
import json
import sys

with open(sys.argv[1] + "/meson-logs/testlog.json") as log:
    results = [json.loads(line)["result"] for line in log]
passed, skipped = results.count("OK"), results.count("SKIP")
print(f"{passed} passed, {len(results) - passed - skipped} failed, {skipped} skipped")
