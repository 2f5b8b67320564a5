#!/bin/bash
# Make the bitstreams beside this script again, with Debian's encoders: tests/data/media/make.sh
# They are committed, so no test needs this.  Each is a small picture or sound that moves, in frames of
# every kind that its format has: key frames in between, several slices or tiles, parameter sets.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/../../.."
. tests/debian.sh
need_packages ffmpeg # with libx264, libx265, libvpx, libaom and libopus, as Debian builds it
cd tests/data/media

picture=(-f lavfi -i "testsrc2=size=96x64:rate=10:duration=1")
make() {
  ffmpeg -hide_banner -loglevel error -y "${picture[@]}" -an -pix_fmt yuv420p -threads 1 \
    -fflags +bitexact -flags:v +bitexact "$@"
}

# Access unit delimiters tell where frames begin.
make -c:v libx264 -preset veryfast -tune zerolatency -b:v 60k \
  -x264-params keyint=5:slices=3:bframes=0:aud=1:threads=1 h264.h264
make -c:v libx264 -preset medium -b:v 80k -x264-params keyint=6:slices=1:aud=1:threads=1 \
  h264-reordered.h264
make -c:v libx265 -preset veryfast -b:v 80k \
  -x265-params keyint=5:slices=2:aud=1:repeat-headers=1:pools=none:frame-threads=1:log-level=none \
  h265.h265
make -c:v libvpx -b:v 60k -g 5 -deadline realtime -cpu-used 8 vp8.ivf
make -c:v libvpx -b:v 60k -g 5 -deadline realtime -cpu-used 8 -slices 4 vp8-partitions.ivf
make -c:v libvpx-vp9 -b:v 60k -g 5 -deadline realtime -cpu-used 8 vp9.ivf
make -c:v libvpx-vp9 -b:v 60k -g 5 -auto-alt-ref 1 -lag-in-frames 5 vp9-superframes.ivf
make -c:v libaom-av1 -b:v 60k -g 5 -usage realtime -cpu-used 8 -tiles 2x1 av1.ivf
picture=(-f lavfi -i "sine=frequency=440:duration=0.4:sample_rate=48000")
ffmpeg -hide_banner -loglevel error -y "${picture[@]}" -c:a libopus -b:a 24k -application voip \
  -fflags +bitexact -flags:a +bitexact opus.ogg
ls -l
