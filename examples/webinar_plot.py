#!/usr/bin/env python3
"""Print what a phone and the server spend in the simulated webinar, and draw it.

usage: webinar_plot.py RESULTS.json PLOT.svg

RESULTS.json is what the program webinar prints.  The last line is the verdict.
SPDX-License-Identifier: ISC
"""
import json
import sys

SPEAKERS = 10
SOUND_A_SECOND, PICTURES_A_SECOND = 50 * SPEAKERS, 30
PHONES = ["far", "near"]
HEADERS = 40  # of each packet: IPv4, UDP, RTP
BUCKET = 10   # seconds that are drawn as one
# What is drawn: title, colour, milliseconds of processor and kilobytes received in a second.
PARTS = [
    ("sound", "#2b83ba", lambda row: row["far"]["sound_ns"] / 1e6,
     lambda row: carried(row["sound"]) / 1e3),
    ("picture", "#1a9641", lambda row: row["far"]["picture_ns"] / 1e6,
     lambda row: carried(row["picture"]) / 1e3),
    ("commits", "#d7191c", lambda row: row["far"]["commit_ns"] / 1e6, lambda row: row["commit"] / 1e3),
    ("saving", "#e08214", lambda row: row["far"]["save_ns"] / 1e6, lambda row: 0),
]
WIDTH, HEIGHT = 760, 250  # of each of the two drawings
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 40, 40


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def human(ns):
    for limit, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= limit:
            return f"{ns / limit:.3g} {unit}"
    return f"{ns:.0f} ns"


def human_bytes(size):
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit:
            return f"{size / limit:.3g} {unit}"
    return f"{size:.0f} B" if size else ""


def carried(media):
    return media["bytes"] + HEADERS * media["packets"]


# ---- The tables ----


def table(head, lines):
    widths = [max(len(line[i]) for line in [head] + lines) for i in range(len(head))]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    rows = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
            for line in [head] + lines]
    return "\n".join([rows[0], rule] + rows[1:])


def phone_table(start, joins, rows):
    def spent(field):
        return [sum(row[phone][field] for row in rows) for phone in PHONES]

    def received(kind):
        return sum(carried(row[kind]) for row in rows)

    saved = sum(row["far"]["saved"] for row in rows)
    frames = {kind: sum(row[kind]["frames"] for row in rows) for kind in ("sound", "picture")}
    parts = [
        ("joining", 1, [joins[phone]["join_ns"] for phone in PHONES], joins["far"]["welcome"],
         start["key_package"]),
        ("commits", len(rows), spent("commit_ns"), sum(row["commit"] for row in rows), 0),
        (f"saving ({human_bytes(saved)} written)", len(rows), spent("save_ns"), 0, 0),
        ("frames of sound", frames["sound"], spent("sound_ns"), received("sound"), 0),
        ("frames of picture", frames["picture"], spent("picture_ns"), received("picture"), 0),
    ]
    lines = [[what, f"{count:,}"] + [human(ns) for ns in times] + [human_bytes(down), human_bytes(up)]
             for what, count, times, down, up in parts]
    totals = [sum(part[2][i] for part in parts) for i in range(len(PHONES))]
    running = [sum(part[2][i] for part in parts[1:]) for i in range(len(PHONES))]
    lines.append(["all", ""] + [human(ns) for ns in totals]
                 + [human_bytes(sum(part[i] for part in parts)) for i in (3, 4)])
    lines.append(["of a core, once joined", ""] + [f"{ns / 1e7 / len(rows):.2f} %" for ns in running]
                 + ["", ""])
    return table(["a phone", "number", "far", "beside a committer", "received", "sent"], lines)


def server_table(rows):
    """Messages and bytes, in and out."""
    joins = [row for row in rows if row["kind"] == "join"]
    present = {row["second"]: row["members"] - (row["kind"] == "join") for row in rows}
    parts = [
        ("key packages", len(joins), sum(row["key_package"] for row in joins), len(joins),
         sum(row["key_package"] for row in joins)),
        ("commits", len(rows), sum(row["commit"] for row in rows), sum(present.values()),
         sum(row["commit"] * present[row["second"]] for row in rows)),
        ("Welcomes", len(joins), sum(row["welcome"] for row in joins), len(joins),
         sum(row["welcome"] for row in joins)),
    ]
    for kind in ("sound", "picture"):
        parts.append((f"packets of {kind}", sum(row[kind]["packets"] for row in rows),
                      sum(carried(row[kind]) for row in rows),
                      sum(row[kind]["packets"] * (row["members"] - 1) for row in rows),
                      sum(carried(row[kind]) * (row["members"] - 1) for row in rows)))
    parts.append(("all",) + tuple(sum(part[i] for part in parts) for i in (1, 2, 3, 4)))
    lines = [[what, f"{count_in:,}", human_bytes(bytes_in), f"{count_out:,}", human_bytes(bytes_out)]
             for what, count_in, bytes_in, count_out, bytes_out in parts]
    return table(["the server", "in", "bytes in", "out", "bytes out"], lines)


def mean(values):
    return sum(values) / len(values)


def others(rows, late):
    lines = []
    for kind in ("join", "leave"):
        made = [row for row in rows if row["kind"] == kind]
        lines.append([f"committing a {kind}", human(mean([row["make_ns"] for row in made])), "",
                      human_bytes(mean([row["commit"] + row["welcome"] for row in made]))])
    lines.append(["joining late", human(mean([row["late_join_ns"] for row in late])),
                  human_bytes(mean([row["welcome"] for row in late])), ""])
    return table(["on average", "processor time", "received", "sent"], lines)


# ---- The plot ----


def text(x, y, what, anchor="middle", colour="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{what}</text>'


def nice(most):
    """A round number not below, for the end of an axis."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= most:
                return factor * step
        step *= 10


def drawing(rows, top, title, which):
    """What all parts come to in each second, one on the other."""
    buckets = [rows[i:i + BUCKET] for i in range(0, len(rows), BUCKET)]
    layers = [[mean([part[which](row) for row in bucket]) for bucket in buckets] for part in PARTS]
    high = nice(max(sum(column) for column in zip(*layers)))
    floor, minutes = top + HEIGHT - BOTTOM, len(rows) // 60

    def x_of(second):
        return LEFT + second / len(rows) * (WIDTH - LEFT - RIGHT)

    def y_of(value):
        return floor - value / high * (HEIGHT - TOP - BOTTOM)

    out = [text(LEFT, top + TOP - 14, title, "start")]
    below, label = [0.0] * len(buckets), floor - 4
    for (name, colour, *_), layer in zip(PARTS, layers):
        above = [low + value for low, value in zip(below, layer)]
        edges = [BUCKET * i for i in range(len(buckets) + 1)]
        points = [(x, value) for i, value in enumerate(above) for x in edges[i:i + 2]]
        points += [(x, value) for i, value in reversed(list(enumerate(below)))
                   for x in reversed(edges[i:i + 2])]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        if any(layer):
            out.append(f'<polygon points="{path}" fill="{colour}"/>')
            out.append(text(WIDTH - RIGHT + 8, label, name, "start", colour))
            label -= 18
        below = above
    for i in range(5):
        y = y_of(high * i / 4)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                   'stroke="#222" stroke-opacity="0.2"/>')
        out.append(text(LEFT - 8, y + 4, f"{high * i / 4:g}", "end"))
    for minute in range(0, minutes + 1, max(1, minutes // 10)):
        out.append(text(x_of(60 * minute), floor + 18, minute))
    return out + [text((LEFT + WIDTH - RIGHT) / 2, floor + 34, "minutes")]


def plot(rows):
    body = (drawing(rows, 0, "Processor time of a phone: ms in a second", 2)
            + drawing(rows, HEIGHT, "What a phone receives: kB in a second", 3))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * HEIGHT}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="{WIDTH}" height="{2 * HEIGHT}" fill="white"/>\n'
            + "\n".join(body) + "\n</svg>\n")


# ---- The verdict ----


def complaints(rows, end):
    """What a run that went through must have left behind."""
    if [row["second"] for row in rows] != list(range(1, len(rows) + 1)) or len(rows) % 60:
        yield "seconds are missing"
    for kind, count in (("sound", SOUND_A_SECOND), ("picture", PICTURES_A_SECOND)):
        if any(row[kind]["frames"] != count for row in rows):
            yield f"frames of {kind} are missing"
    if end.get("frames_checked") != len(PHONES) * len(rows) * (SOUND_A_SECOND + PICTURES_A_SECOND):
        yield "frames were not heard"
    if not any(row["far"]["waited"] for row in rows):
        yield "no frame ever came before its key"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    results = read(sys.argv[1])
    start, end = results[0], results[-1]
    joins = {row["phone"]: row for row in results if "phone" in row}
    rows = [row for row in results if "second" in row]
    late = [row for row in results if "late_join_ns" in row]
    print(f"\n{len(rows) // 60} minutes, {start['members']:,} members, {start['committers']} of whom "
          "commit by turns; processor times of this machine\n")
    for part in (phone_table(start, joins, rows), server_table(rows), others(rows, late)):
        print(part + "\n")
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(plot(rows))
    wrong = list(complaints(rows, end))
    if wrong:
        sys.exit("FAIL: " + "; ".join(wrong))
    print(f"PASS: {end['commits_checked']:,} epochs reached and {end['frames_checked']:,} frames "
          "decrypted, all as they should be")


if __name__ == "__main__":
    main()
