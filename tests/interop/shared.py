# A group that several implementations share: who is in it, what waits and what is on its way; and
# what must hold after each epoch.
# SPDX-License-Identifier: ISC
import contextlib
import random

from driver import Refusal

EXTENSION_TYPE = 0xF0A1  # one of the application's own, which all members support
PROPOSAL_TYPE = 0xF0A2
REQUIRED_CAPABILITIES, EXTERNAL_SENDERS = 3, 5
KEPT_EPOCHS = 2  # a message may come so many epochs late, and a resumption PSK be so old
RESUMPTION_EPOCHS = 60  # but so old where all members are ours

# What no history asks of an implementation, since it gets it wrong or its driver does not have it.
# Numbers are sections of RFC 9420.
CANNOT = {
    "ts-mls": {
        "information for joiners": "12.4.3.2: writes external_pub without its inner length",
        "join from outside": "12.4.3.2: reads it so, too",
        "commit extensions": "12.4: commits GroupContextExtensions without a path",
        "empty extensions": "12.1.7: keeps the old extensions where none are proposed",
        "external senders": "12.1.8.1: reads one sender instead of a list",
        "filtered root": "12.4.1: derives commit_secret once too often",
        "own replacement": "12.4.2: misses its removal where somebody takes its leaf",
        "contested proposals": "12.2: commits every proposal that waits",
        "leave": "its driver has no SelfRemove", "custom": "its driver has no custom proposals",
    },
    "mls-rs": {
        "altered handshake": "9.2: a PrivateMessage that does not decrypt uses up the key",
        "two updates of one member": "12.2: commits both",
        "message of one who left": "does not read messages of the epochs before",
        "leave": "numbers SelfRemove 0xF003",
        "custom without path": "12.4: wants a path for every type that it does not know",
        "vector in custom": "its driver takes a body with its length",
    },
    "openmls": {
        "unrequired extension": "12.1.7: wants extensions to be in required_capabilities",
        "PSKs by value and by reference": "8.4: mixes them in another order than the commit's",
        "committing on the way out": "12.2: refuses, instead of leaving its removal out",
    },
}


def can(member_or_peer, what):
    peer = getattr(member_or_peer, "peer", member_or_peer)
    return what not in CANNOT.get(peer.implementation, {})


class Mismatch(Exception):
    """Members of one group do not agree."""


class Inapplicable(Exception):
    """The step does not fit the present state; another one is taken."""


def require(holds, why):
    if not holds:
        raise Mismatch(why)


def applicable(holds):
    if not holds:
        raise Inapplicable


class Member:
    def __init__(self, peer, number):
        self.peer = peer
        self.name = f"{peer.name}-{number}"
        self.identity = self.name.encode().hex()
        self.leaf = None
        self.joined = 0
        self.signature_key = None

    def __str__(self):
        return self.name

    def start(self, suite):
        self.signature_key = self.peer.call(
            "client", client=self.name, suite=suite, identity=self.identity,
            extension_types=[EXTENSION_TYPE], proposal_types=[PROPOSAL_TYPE])["signature_key"]

    def key_package(self):
        return self.peer.call("keypackage", client=self.name)["key_package"]


class Waiting:
    """A proposal that has been sent and not been committed."""

    def __init__(self, kind, proposer, target=None):
        self.kind, self.proposer, self.target = kind, proposer, target


class Late:
    """An application message on its way."""

    def __init__(self, sender, epoch, text, message, receivers):
        self.sender, self.epoch, self.text, self.message = sender, epoch, text, message
        self.receivers = receivers


class SharedGroup:
    def __init__(self, peers, seed, most, suite, faults):
        self.random = random.Random(f"{seed} {' '.join(peer.name for peer in peers)}")
        self.peers, self.most, self.faults = peers, most, faults
        common = sorted(set.intersection(*(peer.suites for peer in peers)))
        self.suite = suite or self.random.choice(common)
        self.group = f"history {seed}".encode().hex()
        self.steps, self.made, self.epoch, self.compared = [], 0, 0, 0
        self.members, self.lost, self.waiting, self.late, self.psks = [], [], [], [], []
        self.extensions, self.server = [], None
        # In a contested history proposals contradict each other, and the committer chooses.
        self.contested = all(can(peer, "contested proposals") for peer in peers) and \
            self.random.random() < 0.5

    # What members are asked.

    def call(self, member, operation, **request):
        return member.peer.call(operation, client=member.name, group=self.group, **request)

    def note(self, text):
        self.steps.append(f"epoch {self.epoch}: {text}")

    def others(self, *members):
        return [member for member in self.members if member not in members]

    def public(self):
        return self.random.random() < 0.5

    def some_member(self, *abilities, among=None):
        able = [member for member in (self.members if among is None else among)
                if all(can(member, ability) for ability in abilities)]
        applicable(able)
        return self.random.choice(able)

    def committer(self, *abilities):
        """A member that the waiting proposals allow to commit, whatever implementation it is."""
        if self.contested:
            stuck = [member for member in self.leaving()
                     if not can(member, "committing on the way out")]
            return self.some_member(*abilities, among=self.others(*stuck))
        busy = {waiting.proposer for waiting in self.waiting if waiting.kind in ("update", "leave")}
        busy |= {waiting.target for waiting in self.waiting if waiting.kind == "remove"}
        return self.some_member(*abilities, among=self.others(*busy))

    def newcomer(self):
        peer = self.random.choice(self.peers)
        self.made += 1
        member = Member(peer, self.made)
        member.start(self.suite)
        for psk in self.psks:
            self.call(member, "psk", **psk)
        return member

    def leaving(self):
        return {waiting.target for waiting in self.waiting if waiting.kind in ("remove", "leave")}

    def coming(self):
        return [waiting.target for waiting in self.waiting if waiting.kind == "add"]

    # What holds after each step.

    def avoid_filtered_root(self, removed, added):
        """Some implementations go wrong where nobody is left in the left half of the tree."""
        if all(can(member, "filtered root") for member in self.members + list(added)):
            return
        leaves = {member.leaf for member in self.members + self.lost if member not in removed}
        for _ in added:
            leaves.add(min(set(range(len(leaves) + 1)) - leaves))
        half = 1
        while 2 * half <= max(leaves):
            half *= 2
        applicable(max(leaves) == 0 or min(leaves) < half)

    def compare(self):
        label, context = f"label {self.epoch}", self.random.randbytes(self.random.randrange(20))
        size = self.random.choice([1, 16, 32, 100])
        views = {}
        for member in self.members:
            state = self.call(member, "epoch_authenticator")
            secret = self.call(member, "export", label=label, context=context.hex(), length=size)
            roster = self.call(member, "members")["members"]
            member.leaf = state["own_leaf"]
            views[member] = {"epoch": state["epoch"], "secret": secret["secret"],
                             "authenticator": state["epoch_authenticator"],
                             "status": state["status"],
                             "roster": sorted((one["index"], one["identity"]) for one in roster)}
        first = self.members[0]
        for member in self.lost:
            member.leaf = next(leaf for leaf, identity in views[first]["roster"]
                               if identity == member.identity)
        for member, view in views.items():
            for what, value in view.items():
                require(value == views[first][what],
                        f"{what} of {member} is {value}, of {first} {views[first][what]}")
                self.compared += 1
        require(views[first]["epoch"] == self.epoch and views[first]["status"] == "active",
                f"all are in epoch {views[first]['epoch']}, {views[first]['status']}")
        expected = sorted((member.leaf, member.identity) for member in self.members + self.lost)
        require(views[first]["roster"] == expected,
                f"the roster is {views[first]['roster']}, not {expected}")

    def refused(self, member, operation, **request):
        try:
            self.call(member, operation, **request)
        except Refusal:
            return
        raise Mismatch(f"{member} takes what it must refuse: {operation}")

    @contextlib.contextmanager
    def faults_of(self, member):
        """A member that fails for a fault of its own is lost: it will be removed."""
        try:
            yield
        except Refusal as error:
            fault = self.faults.find(member.peer.implementation, "histories", str(error))
            if fault is None:
                raise
            self.note(f"{member} is lost: {fault.sentence}")
            self.members.remove(member)
            self.lost.append(member)

    def advance(self, committer, commit, added=(), removed=(), welcome=None, tree=None):
        """The committer is in the next epoch; now all others enter it."""
        for member in self.others(committer):
            if member in removed and added and not can(member, "own replacement"):
                continue
            with self.faults_of(member):
                reply = self.call(member, "process", message=commit)
                require(reply["kind"] == "commit", f"{member} takes it for a {reply['kind']}")
                wanted = "removedFromGroup" if member in removed else "active"
                require(reply["status"] == wanted, f"{member} is {reply['status']}, not {wanted}")
        self.epoch += 1
        was_lost = self.lost
        self.lost = [member for member in self.lost if member not in removed]
        self.members = self.others(*removed) + list(added)
        for member in added:
            member.joined = self.epoch
            if welcome:
                with self.faults_of(member):
                    request = {"ratchet_tree": tree} if tree else {}
                    self.call(member, "join", welcome=welcome, **request)
        self.waiting = []
        self.compare()
        for member in removed:
            if member in was_lost:
                continue
            sender = self.random.choice(self.members)
            message = self.call(sender, "protect", plaintext="00")["message"]
            self.refused(member, "unprotect", message=message)
        self.deliver_late(expire=True)
