"""Every parser of bytes from outside, with random and damaged input: what is not read is refused in words."""

import random

import pytest
from fuzz_targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st
from mutation import mutate

from quekka.protocols.kafka.api_keys import APIS

INPUTS_PER_ROUND = 1500
"""Of each target; --rounds multiplies them."""

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True, database=None)
"""The same examples in each run: what CI finds is found again."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_made_valid_is_read_without_complaint(name: str) -> None:
    for number in range(100):
        TARGETS[name].run(TARGETS[name].make(random.Random(number)))


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read_or_refused(name: str) -> None:
    @EXAMPLES
    @given(st.binary(max_size=300))
    def check(data: bytes) -> None:
        TARGETS[name].run(data)

    check()


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_is_read_or_refused(name: str) -> None:
    """The random choices are hypothesis's own, so it finds the smallest input that fails."""

    @EXAMPLES
    @given(st.randoms(use_true_random=False))
    def check(chance: random.Random) -> None:
        TARGETS[name].run(bytes(mutate(chance, TARGETS[name].make(chance))))

    check()


@pytest.mark.campaign
@pytest.mark.timeout(0)  # --rounds may make it long
@pytest.mark.parametrize("name", TARGETS)
def test_much_damaged_input_is_read_or_refused(name: str, seed: int, rounds: int) -> None:
    target = TARGETS[name]
    for round_number in range(rounds):
        print(f"round {round_number}: --seed {seed + round_number} --rounds 1")
        chance = random.Random(seed + round_number)
        for _ in range(INPUTS_PER_ROUND):
            target.run(bytes(mutate(chance, target.make(chance))))


@pytest.mark.parametrize("version_step", [-1, 1])
def test_requests_read_as_another_version_are_read_or_refused(version_step: int) -> None:
    """As from a client that got its versions wrong: bytes valid for one version, read as its neighbour."""
    target = TARGETS["kafka-request"]
    for number in range(500):
        data = bytearray(target.make(random.Random(number)))
        versions = APIS[data[0]].versions
        data[1] = min(max(0, data[1] + version_step), versions.last - versions.first)
        target.run(bytes(data))
