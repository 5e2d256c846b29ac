from quekka.client import TopicPartition


def test_it_is_shown_as_topic_and_number() -> None:
    assert str(TopicPartition("logs", 3)) == "logs/3"


def test_it_equals_a_pair() -> None:
    assert TopicPartition("logs", 3) == ("logs", 3)
    assert {TopicPartition("logs", 3): 1}["logs", 3] == 1
