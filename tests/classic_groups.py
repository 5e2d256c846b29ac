"""Groups of Kafka's classic protocol without sockets: requests that wait in threads, and time in our hands.

A request runs in a thread of its own, as it does on a connection. It is *settled* as soon as it either was
answered or waits on its completion; so after every call of a test, and after every step of the clock, what is
answered and what still waits is certain, and no test needs to sleep or to look twice.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from quekka.broker import classic_coordinator, classic_rebalancer
from quekka.broker.classic_coordinator import ClassicCoordinator
from quekka.broker.classic_group import ClassicGroup
from quekka.broker.classic_member import JoinRequest, JoinResult, SyncResult
from quekka.broker.completion import Completion
from quekka.broker.config import BrokerConfig
from quekka.broker.timers import MOMENT_S, Timers
from quekka.clock import Clock, ManualClock
from quekka.deadline import Deadline
from quekka.errors import MemberIdRequiredError, QuekkaError

GROUP = "team"
WAIT_S = 10
"""Only a fault takes this long."""

RANGE = (("range", b""),)


class WatchedCompletion(Completion[Any]):
    """Tells the request that waits on it that it waits, and whether it was answered."""

    __slots__ = ("is_answered",)

    def __init__(self) -> None:
        super().__init__()
        self.is_answered = False

    def complete(self, result: Any) -> None:
        self.is_answered = True
        super().complete(result)

    def fail(self, error: BaseException) -> None:
        self.is_answered = True
        super().fail(error)

    def wait(self, deadline: Deadline | None = None) -> Any:
        request = threading.current_thread()
        if isinstance(request, Asked):
            request.completion = self
            request.settled.set()
        return super().wait(deadline)


class Asked(threading.Thread):
    """A request in a thread of its own; made, it is settled."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(name="asked", daemon=True)
        self.settled = threading.Event()
        self.completion: WatchedCompletion | None = None
        self._call = call
        self._result: Any = None
        self._error: QuekkaError | AssertionError | None = None
        self.start()
        assert self.settled.wait(WAIT_S), "the request neither was answered nor waits"

    def run(self) -> None:
        try:
            self._result = self._call()
        except (QuekkaError, AssertionError) as error:
            self._error = error
        finally:
            self.settled.set()

    @property
    def waits(self) -> bool:
        return self.completion is not None and not self.completion.is_answered

    def answer(self) -> Any:
        """The result; raises what the request raised. Fails where it still waits."""
        assert not self.waits, "the request still waits"
        self.join(WAIT_S)
        assert not self.is_alive(), "the request was let go and does not come back"
        if self._error is not None:
            raise self._error
        return self._result

    def outcome(self) -> str:
        """`waits`, or what `error` says."""
        return "waits" if self.waits else self.error()

    def error(self) -> str:
        """Kafka's word for the error that the request was answered with, or "" for a result."""
        try:
            self.answer()
        except QuekkaError as error:
            return error.code
        return ""


def watch_completions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have classic groups use completions that tell who waits."""
    monkeypatch.setattr(classic_coordinator, "Completion", WatchedCompletion)
    monkeypatch.setattr(classic_rebalancer, "Completion", WatchedCompletion)


def request(member_id: str = "", **changes: Any) -> JoinRequest:
    """A JoinGroup as a consumer of version 3 sends it: no member id is required."""
    asked = JoinRequest(
        group_id=GROUP,
        member_id=member_id,
        group_instance_id=None,
        client_id="client",
        client_host="127.0.0.1",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=60_000,
        protocol_type="consumer",
        protocols=RANGE,
        require_known_member_id=False,
        supports_skipping_assignment=False,
    )
    return asked._replace(**changes)


class Classic:
    """A coordinator of classic groups, its clock and its timers."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.timers = Timers(clock)
        self.config = BrokerConfig()
        self.text_groups: set[str] = set()
        """Groups that have members of the text protocol."""
        self.coordinator = ClassicCoordinator(
            clock, self.timers, lambda: self.config, threading.Lock(), self.text_groups.__contains__
        )
        self.timers.start()
        self._asked: list[Asked] = []

    def configure(self, **changes: Any) -> None:
        self.config = replace(self.config, **changes)

    def advance(self, seconds: float) -> None:
        """Move time on; returns when all that is due by then has happened."""
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(seconds)
        for _ in range(2):  # what is due may set a timer that is due as well
            passed = threading.Event()
            self.timers.after(MOMENT_S / 2, passed.set)
            assert passed.wait(WAIT_S)

    def close(self) -> None:
        """End all that still waits."""
        self.coordinator.begin_stop()
        self.timers.stop()
        for asked in self._asked:
            asked.join(WAIT_S)

    def waiting(self) -> list[Asked]:
        """All requests that still wait."""
        return [asked for asked in self._asked if asked.waits]

    # Requests

    def ask(self, call: Callable[[], Any]) -> Asked:
        self._asked.append(Asked(call))
        return self._asked[-1]

    def join(self, member_id: str = "", **changes: Any) -> Asked:
        asked = request(member_id, **changes)
        return self.ask(lambda: self.coordinator.join(asked))

    def member_id(self, **changes: Any) -> str:
        """Ask for a member id, as clients from version 4 on do first."""
        with pytest.raises(MemberIdRequiredError) as required:
            self.coordinator.join(request(require_known_member_id=True, **changes))
        return required.value.member_id

    def sync(
        self,
        joined: JoinResult,
        assignments: Mapping[str, bytes] | None = None,
        instance: str | None = None,
        **names: str,
    ) -> Asked:
        """SyncGroup of a member; from the leader without assignments: to each member its own id."""
        shares = {m.member_id: m.member_id.encode() for m in joined.members}
        if assignments is not None:
            shares = dict(assignments)
        return self.ask(
            lambda: self.coordinator.sync(
                GROUP, joined.generation, joined.member_id, instance, shares, **names
            )
        )

    def heartbeat(self, joined: JoinResult, instance: str | None = None) -> str:
        """The error that a heartbeat is answered with, "" for none."""
        return self.ask(
            lambda: self.coordinator.heartbeat(GROUP, joined.generation, joined.member_id, instance)
        ).error()

    def leave(self, member_id: str, instance: str | None = None) -> str:
        """The error that LeaveGroup is answered with, "" for none."""
        return self.ask(lambda: self.coordinator.leave(GROUP, member_id, instance)).error()

    def check_commit(self, generation: int, member_id: str, instance: str | None = None) -> str:
        """The error that an OffsetCommit is answered with, "" for none."""
        return self.ask(
            lambda: self.coordinator.check_commit(GROUP, generation, member_id, instance)
        ).error()

    # Groups in a state

    @property
    def group(self) -> ClassicGroup:
        group = self.coordinator.find(GROUP)
        assert group is not None
        return group

    def joined(self, *requests: Mapping[str, Any]) -> list[JoinResult]:
        """The first generation, of one member for each request, the first of them the leader."""
        self.configure(group_initial_rebalance_delay_ms=1)
        asked = [self.join(**changes) for changes in requests]
        while any(one.waits for one in asked):
            self.advance(0.001)
        self.configure(group_initial_rebalance_delay_ms=0)
        return [one.answer() for one in asked]

    def synced(self, joined: Iterable[JoinResult]) -> list[SyncResult]:
        """All of a generation fetch their assignment, the leader last."""
        in_order = list(joined)
        asked = {one.member_id: self.sync(one) for one in sorted(in_order, key=lambda j: bool(j.members))}
        return [asked[one.member_id].answer() for one in in_order]

    def stable(self, *requests: Mapping[str, Any]) -> list[JoinResult]:
        """A group whose members have their assignments."""
        joined = self.joined(*requests)
        self.synced(joined)
        return joined
