#!/bin/bash
# Protected frames of every codec through GStreamer's RTP payloaders and back: tests/gstreamer.sh
# What this GStreamer has no payloader for is skipped.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need_packages gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-base \
  python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0

build=${BUILD:-build}
[ -d "$build" ] || meson setup "$build"
meson compile -C "$build" e2ee
# Debian's own Python, for which those packages are.
/usr/bin/python3 -B tests/gstreamer.py "$build/lib/libe2ee.so.0"
