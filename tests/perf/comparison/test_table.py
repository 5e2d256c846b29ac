"""The comparison as rows."""

from perf.comparison import table
from perf.comparison.outcome import Outcome

PEERS = ["quekka-text", "quekka-kafka", "redis"]


def test_a_row_has_every_server_and_the_ratio_to_the_best_other() -> None:
    outcome = Outcome()
    for values in ((100.0, 50.0), (110.0, 50.0), (120.0, 50.0)):
        outcome.add("sync", "quekka-text", {"records": values[0], "p50": values[0]})
        outcome.add("sync", "redis", {"records": values[1], "p50": values[1]})
    assert table.rows(outcome, PEERS) == [
        ("sync", "records", "1/s", "110 ±9%", "-", "50 ±0%", "2.20 (redis)"),
        ("sync", "latency p50", "ms", "110 ±9%", "-", "50 ±0%", "0.45 (redis)"),
    ]
    assert len(table.headings(PEERS)) == 7


def test_what_may_be_the_clients_own_limit_is_marked() -> None:
    outcome = Outcome()
    outcome.add("sync", "redis", {"records": 5.0, "p50": 0.1, "client_cpu": 99.0})
    assert [row[5] for row in table.rows(outcome, PEERS)] == ["5*", "0.1"]


def test_a_single_round_has_no_spread_and_nothing_to_compare_with_no_ratio() -> None:
    outcome = Outcome()
    outcome.add("sync", "quekka-text", {"records": 5.0})
    assert table.rows(outcome, PEERS) == [("sync", "records", "1/s", "5", "-", "-", "")]
