"""Plays stories to a broker and gives the plain responses."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from time import monotonic, sleep, time
from typing import Any, NamedTuple

from differential.batches import to_bytes
from differential.plain import Plain
from differential.steps import Answer, Batch, Frame, Step, Story
from kafka_wire import KafkaWire

from quekka.protocols.kafka.api_keys import APIS, Api
from quekka.protocols.kafka.codec import decode_response, request_type
from quekka.protocols.kafka.fields import METADATA_KEY, FieldSpec, Primitive, Versions

APIS_BY_NAME = {api.name: api for api in APIS}
UNTIL_TIMEOUT_S = 30.0
"""Only a fault takes this long."""
ASK_AGAIN_S = 0.02
CLOSED = {"closed": True}
CLIENT_ID = "story"


class Played(NamedTuple):
    """What one broker answered to one step in one round."""

    label: str
    round: int
    api: str
    version: int
    answer: dict[str, Any]
    fields: int = 0
    """How many values the answer has; not recorded."""


def play(story: Story, host: str, port: int) -> list[Played]:
    """The whole story, all rounds; each has new connections."""
    first, last = Versions.parse(story.rounds)
    played: list[Played] = []
    saved: dict[str, Any] = {}
    initials = "".join(word[0] for word in story.name.split())
    for number in range(first, last + 1):
        suffix = f"-{number}-{initials}"
        plain = Plain(host, port, suffix, int(time() * 1000) - 60_000)
        with _Round(host, port, number, suffix, saved, plain) as playing:
            for step in story.steps:
                if not isinstance(step, Step) or _is_played(step, number, first):
                    played += playing.play(step)
    return played


def _is_played(step: Step, number: int, first: int) -> bool:
    in_versions = step.versions is None or number in Versions.parse(step.versions)
    return in_versions and (not step.once or number == first)


class _Round:
    """One round of a story: its connections, and what has been saved."""

    def __init__(
        self, host: str, port: int, number: int, suffix: str, saved: dict[str, Any], plain: Plain
    ) -> None:
        self._address = (host, port)
        self._number = number
        self._suffix = suffix
        self._saved = saved
        self._plain = plain
        self._wires: dict[str, KafkaWire] = {}
        self._later: dict[str, Step] = {}

    def __enter__(self) -> "_Round":
        return self

    def __exit__(self, *exc_info: object) -> None:
        for wire in self._wires.values():
            wire.close()

    def play(self, step: Step | Answer | Frame) -> list[Played]:
        if isinstance(step, Frame):
            return [self._frame(step)]
        if isinstance(step, Answer):
            asked = self._later.pop(step.of)
            response = self._receive(step.on)
            self._save(step.save, response)
            return self._played(asked, response)
        return self._step(step)

    def _step(self, step: Step) -> list[Played]:
        api = APIS_BY_NAME[step.api]
        version = self._version(step, api)
        request = self._message(request_type(api), step.request)
        if step.later or step.silent:
            wire = self._wire(step.on)
            (wire.send_only if step.silent else wire.send)(api.key, version, request)
            if step.later:
                self._later[step.label] = step
            return []
        response = self._ask(step, api, version, request)
        self._save(step.save, response)
        return self._played(step, response) if step.compare else []

    def _ask(self, step: Step, api: Api, version: int, request: Any) -> Any:
        give_up_at_s = monotonic() + UNTIL_TIMEOUT_S
        while True:
            self._wire(step.on).send(api.key, version, request)
            try:
                response = self._receive(step.on)
            except AssertionError as error:
                raise AssertionError(f"{step.label}, round {self._number}") from error
            missing = [
                f"{path} is {at(response, path)}, not {wanted}"
                for path, wanted in (step.until or {}).items()
                if at(response, path) != wanted
            ]
            if not missing:
                return response
            assert monotonic() < give_up_at_s, f"{step.label}, round {self._number}: {missing}"
            sleep(ASK_AGAIN_S)

    def _receive(self, connection: str) -> Any:
        """The response; None where the broker closed instead."""
        wire = self._wires[connection]
        try:
            return wire.receive()
        except (AssertionError, ConnectionError):
            self._wires.pop(connection).close()
            return None
        except TimeoutError as error:
            raise AssertionError("no answer") from error

    def _frame(self, step: Frame) -> Played:
        wire = self._wire(step.on)
        wire.send_bytes(struct.pack(">i", len(step.data)) + step.data)
        frame = wire.receive_frame()
        api, version = step.read_as or ("", 0)
        answer, seen = CLOSED, 1
        if frame:
            before = self._plain.fields
            answer = self._plain.message(decode_response(APIS_BY_NAME[api].key, version, frame)[1], version)
            seen = self._plain.fields - before
        else:
            self._wires.pop(step.on).close()
        return Played(step.label, self._number, api, version, answer, seen)

    def _played(self, step: Step, response: Any) -> list[Played]:
        version = self._version(step, APIS_BY_NAME[step.api])
        before = self._plain.fields
        answer = CLOSED if response is None else self._plain.message(response, version)
        seen = self._plain.fields - before
        return [Played(step.label, self._number, step.api, version, answer, max(1, seen))]

    def _save(self, wanted: Mapping[str, str] | None, response: Any) -> None:
        for name, path in (wanted or {}).items():
            self._saved[name] = at(response, path)

    def _version(self, step: Step, api: Api) -> int:
        if step.version is not None:
            return step.version
        first = max(api.versions.first, api.served_from)
        return min(max(self._number, first), api.versions.last)

    def _wire(self, connection: str) -> KafkaWire:
        if connection not in self._wires:
            self._wires[connection] = KafkaWire(*self._address, CLIENT_ID)
        return self._wires[connection]

    def _message(self, kind: type, values: Mapping[str, Any]) -> Any:
        """The request of these values; a field that it does not have is a mistake of the story."""
        specs: dict[str, FieldSpec] = {each.name: each.metadata[METADATA_KEY] for each in fields_of(kind)}
        return kind(**{name: self._value(specs[name], value) for name, value in values.items()})

    def _value(self, spec: FieldSpec, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Batch):
            return memoryview(to_bytes(value, self._saved))
        if isinstance(value, Mapping) and not isinstance(spec.type, Primitive):
            return self._message(spec.type, value)
        if isinstance(value, Sequence) and spec.is_array:
            return [self._value(spec._replace(is_array=False), element) for element in value]
        return value

    def _text(self, value: str) -> Any:
        if value.startswith("$"):
            return self._saved[value.removeprefix("$")]
        return value.replace("{r}", self._suffix)


def at(response: Any, path: str) -> Any:
    """The value at a path such as `topics/0/topic_id`; None where there is none."""
    for name in path.split("/"):
        if name.isdecimal() and response is not None:
            response = response[int(name)] if int(name) < len(response) else None
        else:
            response = getattr(response, name, None)
    return response
