#!/usr/bin/env python3
# Random histories of one group that several implementations share.  Members add, remove, update,
# propose, commit, race each other, join from outside, mix in PSKs and send messages that come late
# or altered.  After each epoch all members must agree on everything.
#
#   histories.py [--seed N] [--seeds N] [--steps N] [--members N] [--suite N] NAME=COMMAND...
#
# What happens follows from the seed and the list of implementations.  A history that fails prints
# its steps; the last one is where it failed.
# SPDX-License-Identifier: ISC
import argparse
import contextlib
import sys

from driver import Peer, Refusal, Unsupported
from faults import Faults
from shared import (EXTENSION_TYPE, EXTERNAL_SENDERS, KEPT_EPOCHS, PROPOSAL_TYPE,
                    REQUIRED_CAPABILITIES, RESUMPTION_EPOCHS, Inapplicable, Late, Mismatch,
                    SharedGroup, Waiting, applicable, can, require)


class History(SharedGroup):
    def create(self):
        member = self.newcomer()
        self.note(f"{member} creates the group, suite {self.suite}")
        self.call(member, "create", group_id=self.group)
        self.members.append(member)
        self.compare()

    def commit(self, committer, what, proposals=(), added=(), removed=()):
        """Commit proposals by value, and whatever waits."""
        added, removed = list(added) + self.coming(), set(removed) | self.leaving()
        self.avoid_filtered_root(removed, added)
        public, beside = self.public(), self.random.random() < 0.2
        self.note(f"{committer} commits {what} and {len(self.waiting)} waiting, "
                  f"{'public' if public else 'private'}{', tree beside' if beside else ''}")
        request = {"proposals": list(proposals), "public": public}
        if beside:
            request["ratchet_tree_ext"] = False
        if self.waits("custom"):
            request["force_path"] = not all(can(member, "custom without path")
                                            for member in self.members)
        if not proposals and not self.waiting:
            reply = self.call(committer, "update", public=public)
        else:
            reply = self.call(committer, "commit", **request)
        tree = self.call(committer, "tree")["ratchet_tree"] if beside and added else None
        if self.contested:
            added, removed = self.chosen(committer, added)
        self.advance(committer, reply["commit"], added, removed, reply.get("welcome"), tree)

    def chosen(self, committer, added):
        """Who came and who went, as the committer sees it."""
        roster = {one["identity"] for one in self.call(committer, "members")["members"]}
        return ([member for member in added if member.identity in roster],
                {member for member in self.members + self.lost if member.identity not in roster})

    def step_update(self):
        self.commit(self.committer(), "new keys")

    def step_add(self):
        count = self.random.choice([1, 1, 2, 3])
        applicable(len(self.members) + len(self.coming()) + count <= self.most)
        committer = self.committer()
        added = [self.newcomer() for _ in range(count)]
        proposals = [{"type": "add", "key_package": member.key_package()} for member in added]
        self.commit(committer, f"adding {', '.join(map(str, added))}", proposals, added)

    def step_remove(self):
        committer = self.committer()
        targets = self.others(committer, *self.leaving(),
                              *(waiting.proposer for waiting in self.waiting))
        applicable(len(targets) >= 2)
        removed = self.random.sample(targets, self.random.choice([1, 1, 2]))
        proposals = [{"type": "remove", "index": member.leaf} for member in removed]
        self.commit(committer, f"removing {', '.join(map(str, removed))}", proposals,
                    removed=removed)

    def remove_lost(self):
        lost = list(self.lost)
        proposals = [{"type": "remove", "index": member.leaf} for member in lost]
        self.commit(self.committer(), f"removing {', '.join(map(str, lost))}", proposals,
                    removed=lost)

    def step_replace(self):
        committer = self.committer()
        targets = self.others(committer, *self.leaving(),
                              *(waiting.proposer for waiting in self.waiting))
        applicable(targets)
        removed, added = self.random.choice(targets), self.newcomer()
        proposals = [{"type": "remove", "index": removed.leaf},
                     {"type": "add", "key_package": added.key_package()}]
        self.commit(committer, f"{added} in the place of {removed}", proposals, [added], [removed])

    def step_commit_waiting(self):
        applicable(self.waiting)
        committer = self.committer("commit extensions") if self.waits("extensions") \
            else self.committer()
        self.commit(committer, "what waits")

    def waits(self, *kinds):
        return any(waiting.kind in kinds for waiting in self.waiting)

    def new_psk(self):
        if self.contested and self.psks and self.random.random() < 0.3:
            return self.random.choice(self.psks)["psk_id"]
        psk = {"psk_id": self.random.randbytes(8).hex(), "psk": self.random.randbytes(32).hex()}
        for member in self.members + self.coming():
            self.call(member, "psk", **psk)
        self.psks.append(psk)
        return psk["psk_id"]

    def committer_of_psk(self):
        return self.committer("PSKs by value and by reference") if self.waits("psk") \
            else self.committer()

    def step_psk(self):
        committer = self.committer_of_psk()
        ids = sorted({self.new_psk() for _ in range(self.random.choice([1, 1, 2]))})
        self.commit(committer, f"PSK {' and '.join(ids)}",
                    [{"type": "psk", "psk_id": psk_id} for psk_id in ids])

    def step_resumption(self):
        applicable(not self.coming())  # who could not know it
        ours = all(member.peer.implementation == "libe2ee" for member in self.members)
        back = RESUMPTION_EPOCHS if ours else KEPT_EPOCHS
        oldest = max([member.joined for member in self.members] + [self.epoch - back])
        epoch = self.random.randint(oldest, self.epoch)
        self.commit(self.committer_of_psk(), f"the resumption PSK of epoch {epoch}",
                    [{"type": "resumption_psk", "group_id": self.group, "epoch": epoch,
                      "usage": 1}])

    def wanted_extensions(self):
        """Another list of extensions for the GroupContext."""
        required = {"type": REQUIRED_CAPABILITIES, "credential_types": [1],
                    "extension_types": [EXTENSION_TYPE]}
        choices = [{"type": EXTENSION_TYPE, "data": self.random.randbytes(8).hex()}]
        if all(can(member, "external senders") for member in self.peers):
            if self.server is None:
                self.server = self.newcomer()
            choices.append({"type": EXTERNAL_SENDERS,
                            "senders": [{"signature_key": self.server.signature_key,
                                         "identity": self.server.identity}]})
        chosen = [choice for choice in choices if self.random.random() < 0.6]
        must = chosen and not all(can(peer, "unrequired extension") for peer in self.peers)
        if must or self.random.random() < 0.6:
            chosen.insert(0, required)
        applicable(chosen or all(can(peer, "empty extensions") for peer in self.peers))
        return chosen

    def step_extensions(self):
        applicable(self.contested or not self.waits("extensions"))
        committer, wanted = self.committer("commit extensions"), self.wanted_extensions()
        types = [extension["type"] for extension in wanted]
        self.commit(committer, f"extensions {types}", [{"type": "gce", "extensions": wanted}])
        self.extensions = wanted

    def propose(self, proposer, waiting, what, proposal):
        """Send a proposal to all."""
        public = self.public() or waiting.kind == "leave"
        self.note(f"{proposer} proposes {what}, {'public' if public else 'private'}")
        reply = self.call(proposer, "propose", proposal=proposal, public=public)
        for member in self.others(proposer):
            self.call(member, "process", message=reply["message"])
        self.waiting.append(waiting)

    def idle_member(self, *abilities):
        """A member that no waiting proposal concerns."""
        if self.contested:
            stuck = [member for member in self.leaving()
                     if not can(member, "committing on the way out")]
            return self.some_member(*abilities, among=self.others(*stuck))
        busy = [waiting.proposer for waiting in self.waiting if waiting.kind in ("update", "leave")]
        return self.some_member(*abilities, among=self.others(*busy, *self.leaving()))

    def step_propose_update(self):
        proposer = self.idle_member()
        if any(not can(member, "two updates of one member") for member in self.members):
            applicable(proposer not in [waiting.proposer for waiting in self.waiting
                                        if waiting.kind == "update"])
        applicable(self.contested or len(self.busy() | {proposer}) < len(self.members))
        self.propose(proposer, Waiting("update", proposer), "new keys", {"type": "update"})

    def busy(self):
        return {waiting.proposer for waiting in self.waiting
                if waiting.kind in ("update", "leave")} | self.leaving()

    def step_propose_add(self):
        applicable(len(self.members) + len(self.coming()) < self.most)
        proposer, added = self.some_member(), self.newcomer()
        self.propose(proposer, Waiting("add", proposer, added), f"to add {added}",
                     {"type": "add", "key_package": added.key_package()})

    def step_propose_remove(self):
        proposer, removed = self.some_member(), self.idle_member()
        applicable(proposer is not removed and proposer not in self.leaving())
        applicable(len(self.busy() | {removed}) < len(self.members) - 1)
        self.propose(proposer, Waiting("remove", proposer, removed), f"to remove {removed}",
                     {"type": "remove", "index": removed.leaf})

    def step_propose_psk(self):
        proposer = self.some_member()
        psk_id = self.new_psk()
        self.propose(proposer, Waiting("psk", proposer), f"PSK {psk_id}",
                     {"type": "psk", "psk_id": psk_id})

    def step_propose_leave(self):
        applicable(all(can(member, "leave") for member in self.members))
        leaver = self.idle_member()
        applicable(len(self.busy() | {leaver}) < len(self.members))
        self.propose(leaver, Waiting("leave", leaver, leaver), "to leave", {"type": "leave"})

    def step_propose_custom(self):
        applicable(all(can(member, "custom") for member in self.members))
        proposer, data = self.some_member(), self.random.randbytes(5)
        if not can(proposer, "vector in custom"):
            data = bytes([len(data)]) + data
        self.propose(proposer, Waiting("custom", proposer), "what the application wants",
                     {"type": "custom", "proposal_type": PROPOSAL_TYPE, "data": data.hex()})

    def information(self, share_beside=0.3):
        """A GroupInfo, and the tree if it is not in it."""
        giver = self.some_member("information for joiners")
        beside = self.random.random() < share_beside
        reply = self.call(giver, "groupinfo", ratchet_tree_ext=not beside)
        request = {"group_info": reply["group_info"]}
        if beside:
            request["ratchet_tree"] = reply["ratchet_tree"]
        return giver, request

    def step_join_from_outside(self):
        applicable(len(self.members) < self.most)
        joiner = self.newcomer()
        applicable(can(joiner, "join from outside"))
        self.avoid_filtered_root(set(), [joiner])
        giver, request = self.information()
        self.note(f"{joiner} joins by what {giver} gives")
        commit = joiner.peer.call("external_join", client=joiner.name, **request)["commit"]
        self.advance(joiner, commit, [joiner])

    def step_resync(self):
        joiner = self.some_member("join from outside")
        applicable(len(self.members) > 1)
        self.avoid_filtered_root(set(), [])
        giver, request = self.information()
        applicable(giver is not joiner)
        self.note(f"{joiner} comes back by what {giver} gives")
        reply = self.call(joiner, "external_join", resync=True, **request)
        self.members.remove(joiner)
        self.advance(joiner, reply["commit"], [joiner])

    def step_ask_to_be_added(self):
        applicable(len(self.members) + len(self.coming()) < self.most)
        joiner = self.newcomer()
        giver, request = self.information(0)
        self.note(f"{joiner} asks to be added, knowing what {giver} gives")
        reply = joiner.peer.call("propose_add_external", client=joiner.name, **request)
        for member in self.members:
            self.call(member, "process", message=reply["message"])
        self.waiting.append(Waiting("add", None, joiner))

    def step_server_proposes(self):
        applicable(any(extension["type"] == EXTERNAL_SENDERS for extension in self.extensions))
        applicable(len(self.members) + len(self.coming()) < self.most)
        giver, request = self.information(0)
        added = self.newcomer()
        self.note(f"the server {self.server} proposes to add {added}, knowing what {giver} gives")
        reply = self.server.peer.call(
            "propose_external", client=self.server.name, **request,
            proposal={"type": "add", "key_package": added.key_package()})
        for member in self.members:
            self.call(member, "process", message=reply["message"])
        self.waiting.append(Waiting("add", None, added))

    def step_race(self):
        """Two commits for one epoch: the delivery service takes one."""
        applicable(not self.waiting and len(self.members) >= 3)
        winner, loser = self.random.sample(self.members, 2)
        self.avoid_filtered_root(set(), [])
        self.note(f"{winner} and {loser} commit at once; {winner} wins")
        commits = {member: self.call(member, "update", hold=True, public=self.public())["commit"]
                   for member in (winner, loser)}
        if self.random.random() < 0.5:
            self.call(loser, "discard")
        self.call(winner, "merge")
        self.advance(winner, commits[winner])

    def step_altered(self):
        """What was altered on its way is refused, and does no harm."""
        applicable(not self.waiting and len(self.members) >= 2)
        self.avoid_filtered_root(set(), [])
        committer = self.some_member()
        victim = self.some_member("altered handshake", among=self.others(committer))
        self.note(f"{victim} gets an altered commit of {committer}")
        commit = self.call(committer, "update", hold=True, public=self.public())["commit"]
        altered = bytearray.fromhex(commit)
        altered[-1 - self.random.randrange(len(altered) // 2)] ^= 1 << self.random.randrange(8)
        self.refused(victim, "process", message=altered.hex())
        self.call(committer, "merge")
        self.advance(committer, commit)

    def step_message(self):
        """A message that some read at once, and others late."""
        applicable(not self.waiting and len(self.members) >= 2)
        sender, text = self.some_member(), self.random.randbytes(self.random.randrange(1, 300))
        mine = [late for late in self.late if late.sender is sender]
        applicable(len(mine) < 4)
        self.note(f"{sender} sends {len(text)} bytes")
        message = self.call(sender, "protect", plaintext=text.hex())["message"]
        late = Late(sender, self.epoch, text.hex(), message, self.others(sender))
        for receiver in list(late.receivers):
            if self.random.random() < 0.6:
                self.read(late, receiver)
        self.late.append(late)

    def read(self, late, receiver):
        late.receivers.remove(receiver)
        if late.sender not in self.members and not can(receiver, "message of one who left"):
            return
        reply = self.call(receiver, "unprotect", message=late.message)
        require(reply["plaintext"] == late.text, f"{receiver} reads another text")
        sender = reply.get("sender_identity", late.sender.identity)
        require(sender == late.sender.identity, f"{receiver} takes {sender} for the sender")

    def deliver_late(self, expire=False):
        """Messages reach those that have not read them, in any order, and only once."""
        self.random.shuffle(self.late)
        for late in list(self.late):
            must = self.epoch - late.epoch >= KEPT_EPOCHS
            for receiver in list(late.receivers):
                if receiver not in self.members or receiver.joined > late.epoch:
                    late.receivers.remove(receiver)
                elif must or not expire and self.random.random() < 0.5:
                    self.note(f"{receiver} reads what {late.sender} sent in epoch {late.epoch}")
                    self.read(late, receiver)
                    self.refused(receiver, "unprotect", message=late.message)
            if not late.receivers:
                self.late.remove(late)

    def step_late_messages(self):
        applicable(self.late)
        self.deliver_late()

    STEPS = {
        step_update: 3, step_add: 5, step_remove: 2, step_replace: 1, step_commit_waiting: 6,
        step_psk: 1, step_resumption: 1, step_extensions: 1, step_propose_update: 3,
        step_propose_add: 2, step_propose_remove: 2, step_propose_psk: 1, step_propose_leave: 1,
        step_propose_custom: 1, step_join_from_outside: 2, step_resync: 1, step_ask_to_be_added: 1,
        step_server_proposes: 2, step_race: 2, step_altered: 1, step_message: 4,
        step_late_messages: 2,
    }

    def step(self):
        if self.lost:
            with contextlib.suppress(Inapplicable):
                return self.remove_lost()
        while True:
            chosen, = self.random.choices(list(self.STEPS), self.STEPS.values())
            try:
                return chosen(self)
            except (Inapplicable, Unsupported):
                pass

    def run(self, steps):
        self.create()
        for _ in range(steps):
            self.step()


def failure_of(history, steps):
    try:
        history.run(steps)
    except (Refusal, Mismatch) as error:
        return str(error)
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--suite", type=int)
    parser.add_argument("peers", nargs="+", metavar="NAME=COMMAND")
    arguments = parser.parse_args()
    failed, faults = 0, Faults()
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        peers = [Peer(*peer.split("=", 1)) for peer in arguments.peers]
        history = History(peers, seed, arguments.members, arguments.suite,
                          faults)
        why = failure_of(history, arguments.steps)
        if why:
            failed += 1
            print("\n".join(history.steps))
            print(f"FAIL seed {seed}: {why}")
        else:
            print(f"ok   seed {seed}: suite {history.suite}, {arguments.steps} steps, "
                  f"{history.epoch} epochs, {history.compared} comparisons")
        sys.stdout.flush()
        for peer in peers:
            peer.close()
    print(f"{arguments.seeds - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
