"""Which of a partition's waiting appends may be written: those that their producers' sequences allow.

Commands are checked in their order, each against what those before it will have done:

    accepted     written with the others of the group
    duplicate    written before: nothing is written, the answer is the base offset of then
    refused      answered with the error, alone; the others go on

A duplicate shares the fate of the group all the same: the batch that it repeats may be in it, or may wait for
the same flush.
"""

from typing import TYPE_CHECKING, NamedTuple

from quekka.broker.commands import AppendCommand
from quekka.errors import QuekkaError

if TYPE_CHECKING:
    from quekka.storage.log_writer import LogWriter
    from quekka.storage.pending_producers import PendingProducers
    from quekka.storage.producer_state import ProducerBatch

Answer = tuple[list[AppendCommand], list[int] | Exception]
"""Some commands, and the base offset of each or what all of them failed with."""


class CheckedAppends(NamedTuple):
    """A group after the check.

    Threads: the topic's writer.
    """

    pending: "PendingProducers"
    """What the accepted ones change, for `LogWriter.append`."""
    accepted: list[AppendCommand]
    duplicates: "list[tuple[AppendCommand, ProducerBatch]]"
    refused: list[tuple[AppendCommand, QuekkaError]]

    def answers(self, result: list[int] | Exception) -> list[Answer]:
        """What to tell all of the group, when `result` came of appending the accepted ones."""
        answers: list[Answer] = [(self.accepted, result)]
        answers += [([command], error) for command, error in self.refused]
        for command, original in self.duplicates:
            if isinstance(result, Exception):
                answers.append(([command], result))
            else:
                command.done.duplicate_of = original
                answers.append(([command], [original.base_offset]))
        return answers


def check_appends(writer: "LogWriter", group: list[AppendCommand]) -> CheckedAppends:
    """Check a partition's group; raises KafkaStorageError when the log is closed to appends."""
    checked = CheckedAppends(writer.begin_producers(), [], [], [])
    for command in group:
        if not command.producers:
            checked.pending.pass_by(command.batches)
            checked.accepted.append(command)
            continue
        try:
            original = checked.pending.check(command.producers)
        except QuekkaError as error:
            checked.refused.append((command, error))
            continue
        if original is None:
            checked.accepted.append(command)
        else:
            checked.duplicates.append((command, original))
    return checked
