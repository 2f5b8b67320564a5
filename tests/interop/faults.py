# The peers' own faults, faults.txt: what may fail, and why that is not this library's fault.
# SPDX-License-Identifier: ISC
import os
import re


class Fault:
    def __init__(self, line):
        fields = [field.strip() for field in line.split("|")]
        self.peer, self.script, pattern, self.section, self.sentence = fields
        self.pattern, self.met = re.compile(pattern), False

    def __str__(self):
        return f"{self.peer}, {self.script}, {self.pattern.pattern}: {self.sentence}"


class Faults:
    def __init__(self, path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "faults.txt")):
        with open(path) as file:
            lines = [line.strip() for line in file]
        self.all = [Fault(line) for line in lines if line and not line.startswith("#")]

    def find(self, peer, script, text):
        """The fault that explains a failure, or None."""
        for fault in self.all:
            if (fault.peer, fault.script) == (peer, script) and fault.pattern.search(text):
                fault.met = True
                return fault
        return None
