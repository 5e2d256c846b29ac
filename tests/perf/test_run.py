"""The command line, against the real broker, with counts so small that nothing is really measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--no-limits", "--rounds", "2", "--count", "200", "--size", "100")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "perf" / "run.py"), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("load", "figure"),
    [
        ("publish-sync", "messages"),
        ("publish-sync-3", "latency_p99"),
        ("publish-pipelined", "messages"),
        ("publish-pipelined-2", "payload"),
        ("append-4k", "batches_bytes"),
        ("read-4k", "batches"),
        ("poll-50", "messages"),
        ("latency-2000", "latency_p99.9"),
    ],
)
def test_a_load_runs_and_writes_its_result(tmp_path: Path, load: str, figure: str) -> None:
    done = run(load, *SMALL, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"{load}  {figure}" in done.stdout
    [path] = tmp_path.glob("*.json")
    content = json.loads(path.read_text())
    assert content["command"][:2] == ["perf/run.py", load]
    found = content["loads"][load]
    assert len(found["figures"][figure]["values"]) == 2
    assert found["broker"]["rss_max_bytes"] > 0


@pytest.mark.parametrize(
    "load",
    ["startup", "startup-3", "open-2m", "recovery-2m", "idle-connections-5", "idle-topics-3", "memory-20m"],
)
def test_a_load_about_the_broker_itself_runs(tmp_path: Path, load: str) -> None:
    done = run(load, "--no-limits", "--rounds", "1", "--seconds", "0.2", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.glob("*.json")
    assert json.loads(path.read_text())["loads"][load]["figures"]


def test_two_results_are_set_beside_each_other(tmp_path: Path) -> None:
    for directory in "ab":
        assert run("publish-sync", *SMALL, "--output", str(tmp_path / directory)).returncode == 0
    paths = [str(next((tmp_path / directory).glob("*.json"))) for directory in "ab"]
    done = run("ratios", *paths)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["load", "figure", "A", "B", "unit", "B/A"]


def test_the_machines_limits_are_measured_beside_a_load(tmp_path: Path) -> None:
    done = run("publish-sync", "--rounds", "1", "--count", "10", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.glob("*.json")
    limits = json.loads(path.read_text())["limits"]
    assert set(limits) == {
        "loopback", "sendfile", "pread_send", "echo_p50", "echo_p99", "write", "sync_p50", "sync_p99",
    }  # fmt: skip
    assert all(figure["median"] > 0 for figure in limits.values())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nonsense",), "nonsense: no such load"),
        (("ratios", "one.json"), "two result files"),
        (("ratios", "a.json", "b.json"), "a.json"),
        (("poll", "--set", "segment"), "NAME=VALUE"),
        (("poll", "--rounds", "0"), "at least 1"),
        (("poll", "--size", "big"), "big"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(arguments: tuple[str, ...], complaint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_that_does_not_start_fails_its_load_with_the_brokers_own_words(tmp_path: Path) -> None:
    done = run("startup", "--set", "no.such.setting=1", "--no-limits", "--output", str(tmp_path))
    assert done.returncode == 1
    assert "startup failed" in done.stderr
    assert "no.such.setting" in done.stderr
    assert not list(tmp_path.iterdir())
