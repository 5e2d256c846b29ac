"""All workers of a mixed load together, over one life of a broker after the other."""

from collections.abc import Mapping

from history import History
from kafka_load import LoadWire, create_topic
from mixed_changers import SETTINGS_BY_WHAT_IS_KEPT, TopicChanger
from mixed_committers import KafkaCommitter, StaticMember, TextCommitter
from mixed_producers import IdempotentProducer, IdempotentState, KafkaProducer, TextProducer
from mixed_workers import Address, MixedWorker, Numbering

PARTITIONS = 3
Lasting = Mapping[str, tuple[str, Mapping[str, str]]]
"""Topics that stay through all lives: by name, what they keep (history.py) and their settings."""
LASTING_SETTINGS: Lasting = {
    keeps: (keeps, {**settings, "segment.bytes": "9000"})
    for keeps, settings in SETTINGS_BY_WHAT_IS_KEPT.items()
}
KEPT = "all"
"""Where retries come to: of batches that retention has taken only each producer's last one is remembered."""
PASSING = ["passing-0", "passing-1", "passing-2"]
"""Topics that are deleted and made again all the time."""


class MixedLoad:
    """Producers, changers and committers with what they carry from life to life."""

    def __init__(self, seed: str, lasting: Lasting = LASTING_SETTINGS) -> None:
        self.history = History()
        self._lasting = lasting
        self._seed = seed
        self._lives = 0
        self._text = [Numbering(0), Numbering(1)]
        self._kafka = [Numbering(2), Numbering(3)]
        self._idempotent = [IdempotentState(Numbering(4)), IdempotentState(Numbering(5))]

    def make_topics(self, host: str, port: int) -> None:
        """Make the topics that last."""
        with LoadWire(host, port) as wire:
            for name, (keeps, settings) in self._lasting.items():
                self.history.note_creation(name, PARTITIONS, settings, keeps)
                assert create_topic(wire, name, PARTITIONS, settings) == 0
                self.history.note_created(name)

    def workers(self, host: str, port: int) -> list[MixedWorker]:
        """New threads for another life."""
        self._lives += 1
        self.history.is_over.clear()
        lasting = [*self._lasting]
        names = [*lasting, *PASSING]
        common = (Address(host, port), self.history, f"{self._seed}/{self._lives}")
        return [
            *(TextProducer(numbering, *common, names, lasting) for numbering in self._text),
            *(KafkaProducer(numbering, *common, names, lasting) for numbering in self._kafka),
            *(IdempotentProducer(state, *common, [KEPT]) for state in self._idempotent),
            TopicChanger("lasting-changer", *common, lasting, lasting=True),
            TopicChanger("passing-changer", *common, PASSING, lasting=False),
            TextCommitter(*common, lasting),
            KafkaCommitter(*common, names),
            StaticMember(*common, names),
        ]
