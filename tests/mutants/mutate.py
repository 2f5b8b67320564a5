"""Write mutants into the sources of a copy of the library: small mistakes, each behind a number.

Every mutant stays in the build; the environment variable MUTANT chooses the one that is alive, and
`mutant(N)` asks whether it is that one.  What it can be is in `Sites`: a check that always holds, a
call that is not made, a comparison that is off by one, two statements in the other order, and so on.

SPDX-License-Identifier: ISC
"""
import random
import re

import tree_sitter
import tree_sitter_c

LANGUAGE = tree_sitter.Language(tree_sitter_c.language())

OPERATORS = {
    "<": ("bound", "<="), "<=": ("bound", "<"), ">": ("bound", ">="), ">=": ("bound", ">"),
    "==": ("comparison", "!="), "!=": ("comparison", "=="),
    "&&": ("logic", "||"), "||": ("logic", "&&"),
    "+": ("arithmetic", "-"), "-": ("arithmetic", "+"), "*": ("arithmetic", "+"),
    "/": ("arithmetic", "*"), "%": ("arithmetic", "/"),
    "<<": ("arithmetic", ">>"), ">>": ("arithmetic", "<<"),
    "&": ("arithmetic", "|"), "|": ("arithmetic", "&"), "^": ("arithmetic", "|"),
}
CALLS = (
    ("wipe", re.compile(r"wipe|locked_free|_free$|^mem_free|forget|clear")),
    ("lock", re.compile(r"lock|latch|enter|leave|atomic")),
)
ATTRIBUTES = re.compile(rb"\b(CHECKED|RARE|ALWAYS_INLINE|INLINE|E2EE_API|E2EE_CHECKED)\b|FORMAT\(\d, \d\)|"
                        rb"__attribute__\(\([^()]*(\([^()]*\))?[^()]*\)\)")
CONSTANT = ("case_statement", "array_declarator", "bitfield_clause", "sizeof_expression",
            "static_assert_declaration", "preproc_if", "enumerator", "subscript_designator",
            "gnu_asm_expression")
SIMPLE = ("call_expression", "assignment_expression")


class Mutant:
    """One mistake at one node; `render` puts it beside what is right."""

    def __init__(self, file, function, node, kind, what, render):
        self.file, self.function, self.kind, self.what = file, function, kind, what
        self.node, self.render, self.number = node, render, None
        self.line = node.start_point[0] + 1
        self.text = file.lines[node.start_point[0]].strip()


class Sites:
    """All that could go wrong in one file."""

    def __init__(self, path, source):
        self.path, self.source = path, source
        self.lines = source.decode().split("\n")
        # Attributes that the parser does not know become blanks, so that all else stays in its place.
        plain = ATTRIBUTES.sub(lambda match: b" " * len(match.group()), source)
        self.tree = tree_sitter.Parser(LANGUAGE).parse(plain)
        self.mutants = []
        self.find_functions(self.tree.root_node)

    def text(self, node):
        return self.source[node.start_byte:node.end_byte].decode()

    def find_functions(self, node):
        for child in node.children:
            if child.type == "function_definition":
                name = child.child_by_field_name("declarator")
                while name.child_by_field_name("declarator") is not None:
                    name = name.child_by_field_name("declarator")
                self.walk(child.child_by_field_name("body"), self.text(name))
            else:
                self.find_functions(child)

    def add(self, function, node, kind, what, render):
        self.mutants.append(Mutant(self, function, node, kind, what, render))

    def walk(self, node, function):
        if node.type in CONSTANT:
            value = node.child_by_field_name("value")
            for child in node.children if node.type == "case_statement" else ():
                if child != value:
                    self.walk(child, function)
            return
        if node.type == "declaration" and any(self.text(c) == "static" for c in node.children):
            return
        self.statement(node, function)
        self.expression(node, function)
        for child in node.children:
            self.walk(child, function)

    def statement(self, node, function):
        if node.type == "expression_statement" and node.named_child_count == 1:
            inner = node.named_children[0]
            if inner.type in SIMPLE + ("update_expression",):
                self.add(function, node, self.kind_of(inner), "left out",
                         lambda n, t: f"{{ if (!mutant({n})) {t} }}")  # an else may follow
        if node.type == "compound_statement":
            self.swaps(node, function)
        if node.type in ("if_statement", "while_statement"):
            condition = node.child_by_field_name("condition")
            for what, form in (("always", "1 ||"), ("never", "0 &&")):
                if node.type == "while_statement" and what == "always":
                    continue
                self.add(function, condition, "condition", what,
                         lambda n, t, form=form: f"(mutant({n}) ? ({form} {t}) : {t})")

    def kind_of(self, inner):
        if inner.type != "call_expression":
            return "assignment"
        callee = self.text(inner.child_by_field_name("function"))
        for kind, names in CALLS:
            if names.search(callee):
                return kind
        return "call"

    def swaps(self, block, function):
        """Two calls that work on the same thing, one behind the other, in the other order."""
        for first, second in zip(block.named_children, block.named_children[1:]):
            if all(s.type == "expression_statement" and s.named_child_count == 1 and
                   s.named_children[0].type == "call_expression" for s in (first, second)) and \
                    self.subjects(first) & self.subjects(second):
                self.add(function, first, "order", "behind the next", second)

    def subjects(self, statement):
        """What a call is given first, where that is something to work on."""
        found = re.match(r"(?:TRY\()?\w+\((&?[\w>.-]+),", self.text(statement))
        return {found.group(1)} if found and found.group(1) not in ("why", "suite") else set()

    def expression(self, node, function):
        if node.type == "binary_expression":
            operator = self.text(node.child_by_field_name("operator"))
            if operator in OPERATORS:
                kind, other = OPERATORS[operator]
                self.add(function, node, kind, f"{operator} as {other}", other)
        elif node.type == "number_literal" and re.fullmatch(r"(0x)?[0-9a-fA-F]+[uUlL]*",
                                                            self.text(node)):
            self.add(function, node, "number", f"{self.text(node)} + 1",
                     lambda n, t: f"({t} + (mutant({n}) ? 1 : 0))")
        elif node.type == "call_expression":
            self.check(node, function)
        elif node.type == "identifier" and re.fullmatch(r"ERR_[A-Z_]+", self.text(node)):
            self.add(function, node, "code", "another code",
                     lambda n, t: f"(mutant({n}) ? ERR_BUSY : {t})")
        elif node.type == "return_statement" and node.named_child_count == 1:
            self.verdict(node.named_children[0], function)

    def check(self, node, function):
        callee = self.text(node.child_by_field_name("function"))
        arguments = node.child_by_field_name("arguments").named_children
        if callee == "require" and arguments:
            self.add(function, arguments[0], "check", "always holds",
                     lambda n, t: f"(mutant({n}) || ({t}))")

    def verdict(self, value, function):
        text = self.text(value)
        if text in ("true", "false"):
            other = "false" if text == "true" else "true"
            self.add(function, value, "verdict", f"{text} as {other}",
                     lambda n, t, other=other: f"(mutant({n}) ? {other} : {t})")
        elif value.type == "conditional_expression" or text.startswith("require("):
            self.add(function, value, "verdict", "OK",
                     lambda n, t: f"(mutant({n}) ? 0 : ({t}))")

    def render(self):
        """The source with all mutants that have a number."""
        self.at = {}
        for mutant in self.mutants:
            if mutant.number is not None:
                key = (mutant.node.start_byte, mutant.node.end_byte, mutant.node.type)
                self.at.setdefault(key, []).append(mutant)
        return self.rendered(self.tree.root_node)

    def inside(self, node):
        out, at = [], node.start_byte
        for child in node.children:
            if child.end_byte <= at:
                continue
            out.append(self.source[at:child.start_byte].decode())
            out.append(self.rendered(child))
            at = child.end_byte
        out.append(self.source[at:node.end_byte].decode())
        return "".join(out)

    def rendered(self, node, in_order=False):
        """@param in_order  without the mutants that move this statement"""
        text = self.inside(node) if node.children else self.text(node)
        here = self.at.get((node.start_byte, node.end_byte, node.type), ())
        for mutant in here:
            if mutant.kind == "order":
                continue
            if isinstance(mutant.render, str):
                left = self.rendered(node.child_by_field_name("left"))
                right = self.rendered(node.child_by_field_name("right"))
                text = f"(mutant({mutant.number}) ? ({left} {mutant.render} {right}) : ({text}))"
            else:
                text = mutant.render(mutant.number, text)
        for mutant in here:
            if mutant.kind == "order" and not in_order:
                number, second = mutant.number, self.rendered(mutant.render, True)
                text = f"if (mutant({number})) {{ {second} }} {text} if (!mutant({number}))"
        return text


def draw(files, count, seed):
    """Number `count` of all mutants in these files (all, if there are fewer)."""
    every = [mutant for file in files for mutant in file.mutants]
    drawn = random.Random(seed).sample(every, min(count, len(every)))
    for number, mutant in enumerate(sorted(drawn, key=lambda m: (m.file.path, m.node.start_byte,
                                                                 m.kind, m.what))):
        mutant.number = number + 1
    return [mutant for mutant in every if mutant.number is not None]
