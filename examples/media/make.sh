#!/bin/sh
# Makes the media of the conference example: for each participant a synthetic voice (Ogg Opus,
# mono, 20 ms a frame) and a moving picture (VP8 in IVF, 160x120, 12.5 pictures a second).
# The results are committed beside this script, so that nobody needs an encoder to run the example.
#
# Debian packages: espeak-ng opus-tools ffmpeg vpx-tools
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME VOICE PITCH HUE WORDS
make_one() {
  name=$1 voice=$2 pitch=$3 hue=$4 words=$5
  espeak-ng -v "en+$voice" -p "$pitch" -s 150 -w "$work/$name.wav" "$words"
  opusenc --quiet --bitrate 14 --hard-cbr --speech --framesize 20 --padding 0 --serial "$hue" \
    "$work/$name.wav" "$name.opus"
  ffmpeg -v error -y -f lavfi -i "testsrc2=size=160x120:rate=25/2:duration=5,hue=h=$hue" \
    -pix_fmt yuv420p "$work/$name.y4m"
  vpxenc --quiet --codec=vp8 --ivf --rt --cpu-used=4 --lag-in-frames=0 --error-resilient=1 \
    --end-usage=cbr --target-bitrate=48 --kf-max-dist=25 --threads=1 \
    -o "$name.ivf" "$work/$name.y4m"
}

make_one alice f2 60 10 "This is Alice. I opened this call, and nobody but its members can hear me."
make_one bob m3 40 60 "Bob here. My picture moves, my voice is synthetic, and both are encrypted."
make_one carol f4 70 110 "Carol speaking. If somebody kills me, I come back where I stopped."
make_one dave m1 30 160 "Hello, this is Dave. The server between us copies what it cannot read."
make_one eve f3 55 210 "I am Eve, and I was invited, so whatever you heard of me is not true today."
make_one frank m5 45 260 "Frank. Nobody invited me, I came in by an external commit."
make_one grace f5 80 310 "My name is Grace. They will remove me soon, but I shall keep listening."

ls -l ./*.opus ./*.ivf
