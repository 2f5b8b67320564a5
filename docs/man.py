#!/usr/bin/env python3
# Make man pages from the public headers, whose comments are the manual: a page for each group of
# functions, and one that points to it for each function and struct.
#
#   man.py VERSION --list HEADER...     the file names
#   man.py VERSION FOLDER HEADER...     write the files
# SPDX-License-Identifier: ISC
import os
import pathlib
import re
import sys
import textwrap

# Pages, and the sections of a header that go there.  Every other header is a page of its own (OTHERS).
PAGES = {"e2ee": {
    "libe2ee": ("end-to-end encryption for calls", "", "Handles", "Library", "Bytes"),
    "e2ee_errors": ("results of libe2ee's functions", "Errors"),
    "e2ee_client": ("identity and key packages", "Client and identity", "Key packages"),
    "e2ee_group": ("a group: life cycle, members, messages, saved state", "Group life cycle",
                   "Members", "Application messages, exporter, safety codes", "Saved state"),
    "e2ee_commit": ("propose and commit changes of a group", "Proposals", "Commits"),
    "e2ee_incoming": ("what others send: inspect, then accept",
                      "Incoming messages: inspect, then accept"),
    "e2ee_media": ("frame keys that follow a group's epochs", "Media keys"),
    "e2ee_frame": ("encrypt and decrypt media frames", "Frames"),
}, "media": {
    "e2ee_sender_keys": ("frame keys that the application brings", "Sender keys"),
    "e2ee_partial_frames": ("encrypt frames except what forwarders read", "", "Partial frames"),
}}
OTHERS = {"mls": ("e2ee_mls", "the rest of RFC 9420")}


# ---- Reading a header

class Section:
    def __init__(self, heading):
        self.title, self.threads = re.fullmatch(r"(.*?)(?: (\[\w+\]))?", heading).groups()
        self.items = []  # Entry, or the text of a comment

    def names(self):
        return [name for item in self.items if isinstance(item, Entry) for name in item.names()]


class Entry:
    """Declarations that share a comment."""

    def __init__(self, code, doc):
        self.codes, self.doc = [code], doc

    def names(self):
        """Functions and structs; not handles, which are only declared."""
        codes = [re.sub(r"/\*.*?\*/", "", code, flags=re.S) for code in self.codes]
        found = [re.search(r"(e2ee_\w+)\(|struct (e2ee_\w+) \{", code) for code in codes]
        return [name[1] or name[2] for name in found if name]


def text_of(comment):
    """A comment without its frame."""
    first, *rest = re.sub(r"^/\*+<?|\*+/$", "", comment).splitlines()
    rest = textwrap.dedent("\n".join(re.sub(r"^\s*\*(?= |$)", "", line) for line in rest))
    return (first.strip() + "\n" + rest).strip("\n ")


def tokens(text):
    """The comments and declarations of a header, each with the space before it."""
    text = re.sub(r"#ifdef __cplusplus.*?#endif|^#.*?$", "", text, flags=re.S | re.M)
    comment = r"/\*.*?\*/"
    code = rf"(?:[^;{{/]|\{{(?:{comment}|[^}}/])*\}})+;"
    for match in re.finditer(rf"(\s*)({comment}|{code})", text, flags=re.S):
        yield match[1], match[2]


def read(path):
    sections, doc = [Section("")], ""
    for space, token in tokens(path.read_text()):
        items = sections[-1].items
        if token.startswith("/* ----"):
            sections.append(Section(token.strip("/*- ")))
        elif token.startswith("/**<"):
            items[-1].codes[-1] += token
        elif "@mainpage" in token or "@file" in token:
            items.append(text_of(re.sub(r"@(mainpage.*|file)", "", token)))
        elif token.startswith("/**"):
            doc = text_of(token)
        elif token.startswith("/*"):
            items += [text_of(token)] if "SPDX" not in token else []
        elif doc == "" and "\n\n" not in space and items and isinstance(items[-1], Entry):
            items[-1].codes.append(token)
        else:
            items.append(Entry(token, doc))
            doc = ""
    return sections


# ---- Writing a page

def escape(text):
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", r"\e"), flags=re.M)


def paragraphs(text):
    """Running text.  A word and a gap begin an item of a list, and what is indented as far goes on
    with it."""
    out, lines, column = [".PP"], text.splitlines(), 0
    while lines:
        line = lines.pop(0)
        label = re.match(r"([\w\[\]*]+)( +)", line)
        if label and (len(label[2]) > 1 or label.end() == column):
            column = label.end()
            body = [line[column:]]
            while lines and (not lines[0].strip() or lines[0].startswith(" " * column)):
                body.append(lines.pop(0)[column:])
            inner = paragraphs("\n".join(body).strip())[1:]
            out += [".TP", ".B " + label[1], *([".RS", *inner, ".RE"] if ".TP" in inner else inner)]
        else:
            out += [".PP"] if column or not line.strip() else []
            out += [escape(line.strip())] if line.strip() else []
            column = 0
    return out


def described(doc):
    """A comment with its @param, @return and @see."""
    head, *tags = re.split(r"@(param|return|see)\b(?:\[[\w,]+\])?\s*", doc)
    out = paragraphs(head.strip())
    for tag, text in zip(tags[::2], tags[1::2]):
        name, _, rest = " ".join(text.split()).partition(" ")
        if tag == "param":
            out += [".TP", ".I " + name, escape(rest)]
        else:
            text = {"return": "Returns", "see": "See"}[tag] + f" {name} {rest}".rstrip()
            out += [".PP", escape(re.sub(r"\.?( \[\w+\])?$", r".\1", text, count=1))]
    return out


def members(code):
    """The values of an enum or the fields of a struct, each with its comment."""
    out = []
    body = code[code.index("{") + 1:code.rindex("}")]
    for comment, member in re.findall(r"/\*(.*?)\*/|([^,;/]+)[,;]?", body, flags=re.S):
        text = " ".join((member or comment.strip("*")).split())
        if member.strip():
            out += [".TP", ".B " + text]
        elif text.startswith("<"):
            out += [escape(text.lstrip("< "))]
        elif text:
            out += [".PP", escape(text)]
    return out


def prototype(code):
    """Bold lines that end between parameters."""
    code = " ".join(re.sub(r"E2EE_API|E2EE_CHECKED", "", code).split())
    lines = textwrap.wrap(re.sub(r"(?<!,) ", "~", code), 72, subsequent_indent="    ")
    return [r"\fB" + line.replace("~", " ") + r"\fR" for line in lines]


def entry(item):
    out = []
    code = item.codes[0]
    if "{" in code:
        constants = re.findall(r"\bE2EE_\w+", code)
        out += [".SS " + ("struct " + item.names()[0] if item.names() else
                          os.path.commonprefix(constants).rpartition("_")[0] + "_*")]
        return out + described(item.doc) + members(code)
    if item.names():
        out += [".SS " + ", ".join(name + "()" for name in item.names()), ".nf"]
        out += [line for code in item.codes for line in prototype(code)]
        return out + [".fi"] + described(item.doc)
    for code in item.codes:  # handles
        name, text = re.fullmatch(r"typedef .* (\w+);/\*\*<(.*)\*/", code, flags=re.S).groups()
        out += [".TP", ".B " + name, escape(" ".join(text.split()))]
    return out


def page(name, about, version, header, sections, others):
    names = [name] + [own for section in sections for own in section.names()]
    out = [f'.TH {name} 3 "" "libe2ee {version}" "libe2ee"', ".nh", ".ad l", ".SH NAME",
           ", ".join(names) + r" \- " + about, ".SH SYNOPSIS", f".B #include <e2ee/{header}.h>",
           ".PP", r"cc FILE.c $(pkg\-config \-\-cflags \-\-libs libe2ee)", ".SH DESCRIPTION"]
    for section in sections:
        if section.title and len(sections) > 1:
            out += [".SH " + section.title.upper()]
        if section.threads:
            out += [f"Threads, unless said otherwise: {section.threads}; see libe2ee(3)."]
        for item in section.items:
            out += entry(item) if isinstance(item, Entry) else paragraphs(item)
    out += [".SH SEE ALSO", *(f".BR {other} (3)," for other in others if other != name)]
    text = "\n".join(out).rstrip(",") + "\n"
    return re.sub(r"(\.PP\n)+(?=\.(PP|SH|SS|TP)\b)", "", text)


def pages(version, headers):
    """File name and text of every page."""
    found = {pathlib.Path(path).stem: read(pathlib.Path(path)) for path in headers}
    plan = {}
    for header, names in PAGES.items():
        left = {section.title: section for section in found.pop(header)}
        plan |= {name: (about, header, [left.pop(title) for title in titles])
                 for name, (about, *titles) in names.items()}
        if left:
            sys.exit(f"man.py: on which page do these sections of {header}.h go: {list(left)}?")
    for header, sections in found.items():
        name, about = OTHERS[header]
        plan[name] = (about, header, sections)

    for name, (about, header, sections) in plan.items():
        yield name, page(name, about, version, header, sections, plan)
        for section in sections:
            for alias in section.names():
                yield alias, f".so man3/{name}.3\n"


version, folder, *headers = sys.argv[1:]
for name, text in pages(version, headers):
    if folder == "--list":
        print(name + ".3")
    else:
        pathlib.Path(folder, name + ".3").write_text(text)
