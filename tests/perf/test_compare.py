"""The command line of the comparison, with so little of everything that nothing is really measured."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from perf.peers.redis import RedisServer

ROOT = Path(__file__).resolve().parents[2]
TINY = ("--seconds", "0.02", "--records", "1000", "--size", "100", "--rounds", "1", "--no-limits")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "perf" / "compare.py"), *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize(
    "loads",
    [
        ("sync", "pipelined", "batched", "read", "poll"),
        ("latency-2000", "connections-100", "fsync", "fsync-batched"),
        ("quekka-client", "startup"),
    ],
    ids="-".join,
)
def test_loads_run_against_both_protocols(tmp_path: Path, loads: tuple[str, ...]) -> None:
    path = tmp_path / "result.json"
    done = run("--peers", "quekka-text,quekka-kafka", "--loads", ",".join(loads), "--json", str(path), *TINY)
    assert done.returncode == 0, done.stderr
    content = json.loads(path.read_text())
    assert content["errors"] == []
    assert set(loads) <= set(content["loads"])
    assert set(content["peers"]) == {"quekka-text", "quekka-kafka"}
    for load in loads:
        assert all(figure["peers"] for figure in content["loads"][load].values())
        assert load in done.stdout


@pytest.mark.parametrize(("load", "module"), [("confluent", "confluent_kafka"), ("kafka-python", "kafka")])
def test_ordinary_clients_run_where_they_are_installed(tmp_path: Path, load: str, module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    path = tmp_path / "result.json"
    done = run("--peers", "quekka-kafka", "--loads", load, "--json", str(path), *TINY)
    assert done.returncode == 0, done.stderr
    figures = json.loads(path.read_text())["loads"][load]
    assert all(figures[name]["peers"]["quekka-kafka"]["median"] > 0 for name in ("produced", "consumed"))


@pytest.mark.skipif(bool(RedisServer.why_not()), reason=RedisServer.why_not())
def test_servers_are_set_beside_each_other_in_table_goals_and_drawing(tmp_path: Path) -> None:
    json_path, svg_path = tmp_path / "new" / "result.json", tmp_path / "new" / "result.svg"
    done = run(
        "--peers", "redis,quekka-text", "--loads", "sync,fsync", "--json", str(json_path),
        "--svg", str(svg_path), "--directory", str(tmp_path), *TINY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    headings = done.stdout.splitlines()[0].split()
    assert headings[:5] == ["load", "figure", "unit", "quekka-text", "redis"]
    content = json.loads(json_path.read_text())
    assert {goal["load"] for goal in content["goals"]} == {"sync", "fsync"}
    assert "the client took" in done.stdout
    assert content["loads"]["sync"]["client_cpu"]["peers"]["redis"]["values"]
    assert ElementTree.parse(svg_path).getroot().tag.endswith("svg")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_server_that_is_not_installed_is_named_as_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUEKKA_KAFKA_JARS", raising=False)
    path = tmp_path / "result.json"
    done = run("--peers", "quekka-text,kafka", "--loads", "sync", "--json", str(path), *TINY)
    assert done.returncode == 0, done.stderr
    assert "kafka is skipped" in done.stderr
    content = json.loads(path.read_text())
    assert list(content["skipped"]) == ["kafka"]
    assert list(content["peers"]) == ["quekka-text"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--peers", "postgres"), "postgres: not among quekka-text"),
        (("--loads", "sync,nonsense"), "nonsense: not among sync"),
        (("--rounds", "0"), "more than 0"),
        (("--seconds", "-1"), "more than 0"),
        (("--size", "big"), "big"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(arguments: tuple[str, ...], complaint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
