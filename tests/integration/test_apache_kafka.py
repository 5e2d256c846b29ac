"""quekkad against Apache Kafka: the same requests to both, and the answers compared field by field.

What is asked is in tests/differential/: stories, which are tables of requests for every API and version that
quekkad serves, errors above all (steps.py explains them). What may differ is the table in allowed.py; a row
of it that no difference needs any more fails a test too.

Kafka's answers were recorded in tests/differential/apache_kafka_answers.json, so that these tests need no
Java. Where QUEKKA_KAFKA_JARS names a directory with Kafka's jars (test_kafka_java.py tells how to put them
there), a real Kafka is started too and asked now. To record its answers anew, after a change of a story:

    QUEKKA_RECORD_KAFKA=1 QUEKKA_KAFKA_JARS=... python -m pytest tests/integration/test_apache_kafka.py
"""

import os

import pytest
from apache_kafka import ApacheKafka
from differential import golden
from differential.allowed import ALLOWED
from differential.comparison import Difference, differences, not_allowed, outdated, report
from differential.player import Played, play
from differential.stories import STORIES
from kafka_tools import jars_directory, why_not
from quekkad_process import QuekkadProcess

from quekka.protocols.kafka.api_keys import APIS

RECORD_VARIABLE = "QUEKKA_RECORD_KAFKA"
SETTINGS = (
    "log.retention.ms=-1",
    "log.segment.bytes=1073741824",
    "log.flush.interval.ms=9223372036854775807",
)
"""What lets records of 2023 stay, and the defaults of Kafka that quekkad does not have."""

BY_NAME = {story.name: story for story in STORIES}
Answers = dict[str, list[Played]]

pytestmark = pytest.mark.timeout(600)


def jars_version() -> str:
    """The version of Kafka as its jars have it in their names."""
    (jar,) = jars_directory().glob("kafka-clients-*.jar")
    return jar.stem.removeprefix("kafka-clients-")


def why_no_kafka() -> str:
    """Why no real Kafka can be asked here; empty when it can."""
    missing = why_not()
    if not missing and jars_version() < "4":
        return f"Apache Kafka 4 is compared with, and the jars are of {jars_version()}"
    return missing


needs_java = pytest.mark.skipif(bool(why_no_kafka()), reason=why_no_kafka())
each_story = pytest.mark.parametrize("name", BY_NAME)


def play_all(host: str, port: int) -> Answers:
    """In their order, since the first stories are about brokers that have nothing yet."""
    return {story.name: play(story, host, port) for story in STORIES}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    directory = tmp_path_factory.mktemp("quekkad")
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    process = QuekkadProcess(directory / "data", directory / "quekkad.log", *options)
    try:
        return play_all(process.host, process.port)
    finally:
        process.close()


@pytest.fixture(scope="module")
def recorded() -> Answers:
    return golden.load()[1]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What a real Kafka answers now."""
    with ApacheKafka(jars_directory(), tmp_path_factory.mktemp("kafka"), log_retention_ms="-1") as broker:
        answers = play_all(broker.host, broker.port)
        if os.environ.get(RECORD_VARIABLE):
            golden.save(jars_version(), answers)
    return answers


def all_differences(kafka: Answers, ours: Answers) -> list[Difference]:
    return [found for name in BY_NAME for found in differences(name, kafka[name], ours[name])]


@needs_java
@each_story
def test_answers_are_those_of_a_running_apache_kafka(name: str, kafka: Answers, ours: Answers) -> None:
    found = not_allowed(differences(name, kafka[name], ours[name]), ALLOWED)
    assert not found, report(found)


@needs_java
@each_story
def test_apache_kafka_still_answers_as_it_was_recorded(name: str, kafka: Answers) -> None:
    version, answers = golden.load()
    if version != jars_version():
        pytest.skip(f"{version} was recorded, and this is {jars_version()}")
    found = not_allowed(differences(name, answers[name], kafka[name]), ALLOWED)
    assert not found, report(found)


@each_story
def test_answers_are_those_that_apache_kafka_gave(name: str, recorded: Answers, ours: Answers) -> None:
    found = not_allowed(differences(name, recorded[name], ours[name]), ALLOWED)
    assert not found, report(found)


def test_every_allowed_difference_is_still_there(recorded: Answers, ours: Answers) -> None:
    assert outdated(all_differences(recorded, ours), ALLOWED) == []


def test_every_version_of_every_api_is_asked(recorded: Answers) -> None:
    asked = {(each.api, each.version) for played in recorded.values() for each in played}
    served = {
        (api.name, version)
        for api in APIS
        for version in range(max(api.versions.first, api.served_from), api.versions.last + 1)
    }
    assert served - asked == set()


def test_the_recorded_stories_are_these() -> None:
    version, answers = golden.load()
    assert version
    assert list(answers) == list(BY_NAME)
    assert golden.PATH.stat().st_size < 300_000
