#!/usr/bin/env python3
"""Draw time against members, and write the tables of docs/performance.md.

usage: plot.py RESULTS.json PERFORMANCE.md PLOT.svg

RESULTS.json is what e2ee-bench --json prints.  In PERFORMANCE.md what stands between the lines
"<!-- figures -->" and "<!-- end of figures -->" is replaced.
SPDX-License-Identifier: ISC
"""
import json
import math
import os
import sys

FRAMES = [100, 1200, 20000]
SIZES = [2, 10, 100, 1000, 10000, 100000]
# What is drawn: operation, tree, colour.
CURVES = [
    ("create", "cold", "#7b3294"),
    ("join", "warm", "#d7191c"),
    ("add", "warm", "#e08214"),
    ("commit", "warm", "#1a9641"),
    ("process-near", "warm", "#2b83ba"),
    ("process-far", "warm", "#404040"),
]
OPERATIONS = ["create", "join", "commit", "process-far", "process-near", "add", "process-add",
              "remove", "process-remove", "save", "load"]
WIDTH, HEIGHT = 760, 520
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 20, 50
NS_LOW, NS_HIGH = 5, 10  # powers of ten: 100 us to 10 s


def read(path):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.startswith("{")]
    return {row["name"]: row for row in rows}


def group(rows, suite, operation, tree, members):
    return rows.get(f"group/{suite}/{operation}/{tree}/{members}")


def human(ns):
    for limit, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= limit:
            return f"{ns / limit:.3g} {unit}"
    return f"{ns:.0f} ns"


def human_bytes(size):
    for limit, unit in ((1e6, "MB"), (1e3, "kB")):
        if size >= limit:
            return f"{size / limit:.3g} {unit}"
    return f"{size:.0f} B"


# ---- The plot ----


def x_of(members):
    span = math.log10(SIZES[-1]) - math.log10(SIZES[0])
    return LEFT + (math.log10(members) - math.log10(SIZES[0])) / span * (WIDTH - LEFT - RIGHT)


def y_of(ns):
    return HEIGHT - BOTTOM - (math.log10(ns) - NS_LOW) / (NS_HIGH - NS_LOW) * (HEIGHT - TOP - BOTTOM)


def text(x, y, what, anchor="middle", colour="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{what}</text>'


def line(points, colour, dashed):
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def axes():
    out = []
    for members in SIZES:
        x = x_of(members)
        out.append(line([(x, TOP), (x, HEIGHT - BOTTOM)], "#ddd", False))
        out.append(text(x, HEIGHT - BOTTOM + 18, f"{members:,}"))
    for power in range(NS_LOW, NS_HIGH + 1):
        y = y_of(10.0**power)
        out.append(line([(LEFT, y), (WIDTH - RIGHT, y)], "#ddd", False))
        out.append(text(LEFT - 8, y + 4, human(10.0**power), "end"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "members"))
    return out


def curve(rows, operation, tree, colour):
    found = [(n, group(rows, 1, operation, tree, n)) for n in SIZES]
    found = [(n, row) for n, row in found if row is not None]
    if not found:
        return []
    out = [line([(x_of(n), y_of(row["ns"])) for n, row in found], colour, False)]
    if all(row["floor_ns"] for _, row in found):
        out.append(line([(x_of(n), y_of(row["floor_ns"])) for n, row in found], colour, True))
    n, row = found[-1]
    out.append(text(x_of(n) + 6, y_of(row["ns"]) + 4, operation, "start", colour))
    return out


def plot(rows):
    body = axes()
    for operation, tree, colour in CURVES:
        body += curve(rows, operation, tree, colour)
    body.append(text(LEFT + 8, TOP + 14, "dashed: the floor", "start"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
            + "\n".join(body) + "\n</svg>\n")


# ---- The tables ----


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return out + ["| " + " | ".join(cells) + " |" for cells in lines]


def cell(row):
    if row is None:
        return ""
    return human(row["ns"]) + (f" ({row['ratio']:.2f})" if row["ratio"] else "")


def times(rows, suite, tree):
    sizes = [n for n in SIZES if any(group(rows, suite, o, tree, n) for o in OPERATIONS)]
    lines = []
    for operation in OPERATIONS:
        cells = [group(rows, suite, operation, tree, n) for n in sizes]
        if any(cells):
            lines.append([operation] + [cell(row) for row in cells])
    if not lines:
        return []
    title = f"Suite {suite}, {tree} tree: time (and ratio to the floor)"
    return [title, ""] + table(["members"] + [f"{n:,}" for n in sizes], lines) + [""]


def sizes_of(rows):
    wanted = [("Welcome for one", "add", "welcome_bytes"), ("commit", "commit", "bytes"),
              ("saved state", "save", "bytes"), ("state in memory", "load", "heap_bytes")]
    sizes = [n for n in SIZES if group(rows, 1, "save", "warm", n)]
    lines = []
    for title, operation, field in wanted:
        found = [group(rows, 1, operation, "warm", n) for n in sizes]
        lines.append([title] + [human_bytes(row[field]) if row else "" for row in found])
    if not sizes:
        return []
    return (["Suite 1, warm tree: bytes", ""]
            + table(["members"] + [f"{n:,}" for n in sizes], lines) + [""])


def frame_rows(rows, suite):
    """Encrypting and decrypting each size, setting up a key, and the first frame of a sender."""
    cells = {size: [rows.get(f"frame/{suite}/{way}/{size}") for way in ("encrypt", "decrypt")]
             for size in FRAMES}
    cells["key"] = [rows.get(f"frame/{suite}/key")]
    cells["first"] = [rows.get(f"frame/{suite}/first/{way}") for way in ("encrypt", "decrypt")]
    return cells


def frames(rows):
    suites = [name.split("/")[1] for name in rows if name.endswith("/encrypt/100")]
    lines = []
    for suite in suites:
        cells = frame_rows(rows, suite)
        lines.append([f"`{suite}`"] + [", ".join(cell(row) for row in cells[size]) for size in FRAMES]
                     + [human(row["ns"]) for row in cells["key"]]
                     + [", ".join(human(row["ns"]) for row in cells["first"])])
    if not lines:
        return []
    head = ["frames: encrypt, decrypt"] + [f"{size:,} bytes" for size in FRAMES]
    out = table(head + ["key set-up", "first frame"], lines) + [""]
    switch = rows.get("frame/switch/1000")
    if switch:
        out += [f"Going to another epoch with 1,000 receivers: {human(switch['ns'])} of the thread that "
                "changes keys.", ""]
    return out


def others(rows):
    names = [name for name in rows if name.startswith(("message/", "keypackage/"))]
    lines = [[f"`{name}`", cell(rows[name])] for name in names]
    return table(["name", "time (and ratio to the floor)"], lines) + [""] if lines else []


def machine():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            names = [row.split(":", 1)[1].strip() for row in info if row.startswith("model name")]
        name = f"{len(names)} x {names[0]}"
    except (OSError, IndexError):
        name = "an unknown machine"
    return f"Processor time on {name}, load {os.getloadavg()[1]:.1f} when the tables were written."


def replace(path, figures):
    begin, end = "<!-- figures -->\n", "<!-- end of figures -->\n"
    with open(path, encoding="utf-8") as page:
        old = page.read()
    before, rest = old.split(begin, 1)
    after = rest.split(end, 1)[1]
    with open(path, "w", encoding="utf-8") as page:
        page.write(before + begin + "\n" + "\n".join(figures).rstrip() + "\n\n" + end + after)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    rows = read(sys.argv[1])
    figures = [machine(), ""]
    for suite in (1, 2, 3):
        for tree in ("warm", "cold"):
            figures += times(rows, suite, tree)
    figures += sizes_of(rows) + others(rows) + frames(rows)
    replace(sys.argv[2], figures)
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        out.write(plot(rows))


if __name__ == "__main__":
    main()
