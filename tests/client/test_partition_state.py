from quekka.client import TopicPartition
from quekka.client.partition_state import PartitionState


def make_state() -> PartitionState:
    state = PartitionState(TopicPartition("logs", 0), position=5, committed=3)
    state.fetch_position = 9
    return state


def test_fetching_begins_at_the_position() -> None:
    state = PartitionState(TopicPartition("logs", 0), position=5, committed=None)
    assert (state.position, state.fetch_position, state.committed) == (5, 5, None)


def test_a_seek_drops_what_was_fetched_and_an_old_need_for_a_reset() -> None:
    state = make_state()
    version = state.version
    state.needs_reset = "offset 5 is before 7"
    state.seek(7)
    assert (state.position, state.fetch_position, state.committed, state.needs_reset) == (7, 7, 3, None)
    assert state.version != version


def test_forgetting_fetches_again_from_the_position() -> None:
    state = make_state()
    version = state.version
    state.forget()
    assert (state.position, state.fetch_position) == (5, 5)
    assert state.version != version
