"""Tests of quekka.broker.commit_gate."""

import threading

import pytest

from quekka.broker.commit_gate import CommitGate

WAIT_S = 10


class Committer(threading.Thread):
    """Commits in a thread of its own: it passes the gate and stays inside until it is told to end."""

    def __init__(self, gate: CommitGate, group: str) -> None:
        super().__init__(daemon=True)
        self.begins = threading.Event()
        self.is_inside = threading.Event()
        self.may_end = threading.Event()
        self._gate = gate
        self._group = group
        self.start()
        assert self.begins.wait(WAIT_S)

    def run(self) -> None:
        self.begins.set()
        with self._gate.commit(self._group):
            self.is_inside.set()
            self.may_end.wait(WAIT_S)

    def end(self) -> None:
        assert self.is_inside.wait(WAIT_S)
        self.may_end.set()
        self.join(WAIT_S)
        assert not self.is_alive()


def test_commits_of_a_group_pass_side_by_side() -> None:
    gate = CommitGate()
    committers = [Committer(gate, "g") for _ in range(3)]
    for committer in committers:
        assert committer.is_inside.wait(WAIT_S)
    for committer in committers:
        committer.end()


def test_nothing_expires_while_the_group_commits() -> None:
    gate = CommitGate()
    committers = [Committer(gate, "g") for _ in range(2)]
    for committer in committers:
        assert committer.is_inside.wait(WAIT_S)
        with gate.expiry("g") as is_idle:
            assert not is_idle
    for committer in committers:
        committer.end()
    with gate.expiry("g") as is_idle:
        assert is_idle


def test_a_commit_waits_until_the_expiry_is_through() -> None:
    gate = CommitGate()
    with gate.expiry("g") as is_idle:
        assert is_idle
        committer = Committer(gate, "g")
        assert not committer.is_inside.is_set()
    committer.end()


def test_a_removal_waits_for_commits_under_way_and_holds_up_those_that_come() -> None:
    gate = CommitGate()
    under_way = Committer(gate, "g")
    assert under_way.is_inside.wait(WAIT_S)
    assert gate.committing() == ["g"]
    later: list[Committer] = []

    def remove() -> None:
        with gate.removal("g"):
            assert not under_way.is_alive() or under_way.may_end.is_set()
            later.append(Committer(gate, "g"))
            assert not later[0].is_inside.is_set()

    remover = threading.Thread(target=remove)
    remover.start()
    under_way.end()
    remover.join(WAIT_S)
    later[0].end()
    assert gate.committing() == []


def test_groups_do_not_wait_for_each_other() -> None:
    gate = CommitGate()
    with gate.expiry("g"):
        committer = Committer(gate, "other")
        assert committer.is_inside.wait(WAIT_S)
    committer.end()


def test_a_failure_inside_opens_the_gate_again() -> None:
    gate = CommitGate()
    for passing in (gate.commit, gate.expiry, gate.removal):
        with pytest.raises(RuntimeError, match="no space left"), passing("g"):
            raise RuntimeError("no space left")
    with gate.expiry("g") as is_idle:
        assert is_idle
