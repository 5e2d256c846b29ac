"""quekkad(8) as a process: ready line, settings, refusals with their exit codes, signals, restarts."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from quekkad_process import EXIT_TIMEOUT_S, READY_LINE, ROOT, QuekkadProcess, run_quekkad
from wire_client import WireClient

from quekka.cli.common import Exit
from quekka.daemon_config import ALL_SETTINGS
from quekka.version import __version__

Quekkad = Callable[..., QuekkadProcess]
Connect = Callable[[str, int], WireClient]


def test_it_serves_when_the_ready_line_says_so(quekkad: Quekkad, connect: Connect, tmp_path: Path) -> None:
    process = quekkad()
    assert process.ready_line == (
        f"quekkad ready on 127.0.0.1:{process.port} (pid {process.pid}, data {tmp_path / 'data'})\n"
    )
    assert process.port != 0
    assert connect(process.host, process.port).ask("PING") == "+OK PONG"


def test_the_log_says_which_crc_runs_and_how_it_ended(quekkad: Quekkad) -> None:
    process = quekkad()
    assert process.terminate() == Exit.OK
    assert f"quekka.daemon: quekkad {__version__} starts [MainThread]" in process.log()
    assert re.search("CRC-32C by (crc32c|crcmod) ", process.log())
    assert "SIGTERM: stopping" in process.log()
    assert process.log().splitlines()[-1].split("INFO")[1].strip() == "quekka.daemon: stopped [MainThread]"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_stops_it_cleanly(quekkad: Quekkad, connect: Connect, number: signal.Signals) -> None:
    process = quekkad()
    client = connect(process.host, process.port)
    client.publish("logs", b"hello")
    process.signal(number)
    assert process.wait() == Exit.OK
    assert client.read_to_end() == b""
    assert (process.data_dir / ".clean_shutdown").exists()


def test_records_and_commits_outlive_a_stop(quekkad: Quekkad, connect: Connect) -> None:
    process = quekkad()
    client = connect(process.host, process.port)
    for number in range(3):
        client.publish("logs", b"record %d" % number)
    client.ask("SUBSCRIBE logs group1")
    client.ask("COMMIT logs group1 2")
    assert process.terminate() == Exit.OK
    again = quekkad()
    messages = connect(again.host, again.port).ask_messages("POLL logs group1")
    assert [(message.offset, message.value) for message in messages] == [(2, b"record 2")]


@pytest.mark.recovery
def test_acknowledged_records_and_commits_outlive_a_kill(quekkad: Quekkad, connect: Connect) -> None:
    process = quekkad()
    client = connect(process.host, process.port)
    for number in range(3):
        client.publish("logs", b"record %d" % number)
    client.ask("SUBSCRIBE logs group1")
    client.ask("COMMIT logs group1 1")
    process.kill()
    again = quekkad()
    messages = connect(again.host, again.port).ask_messages("POLL logs group1")
    assert [(message.offset, message.value) for message in messages] == [(1, b"record 1"), (2, b"record 2")]


def test_it_can_start_again_on_the_same_port_at_once(quekkad: Quekkad, connect: Connect) -> None:
    process = quekkad()
    client = connect(process.host, process.port)
    assert client.ask("PING") == "+OK PONG"
    process.terminate()
    again = quekkad(port=process.port)
    assert connect(again.host, again.port).ask("PING") == "+OK PONG"


def test_several_listeners_are_in_the_ready_line_in_order(quekkad: Quekkad, connect: Connect) -> None:
    process = quekkad("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0,protocols=text")
    assert len(process.addresses) == 2
    for address in process.addresses:
        host, port = address.rsplit(":", 1)
        assert connect(host, int(port)).ask("PING") == "+OK PONG"


def test_settings_reach_the_broker_from_file_environment_and_option(
    quekkad: Quekkad, connect: Connect, tmp_path: Path
) -> None:
    config = tmp_path / "quekka.conf"
    config.write_text("num.partitions = 2\nlog.retention.ms = 5\nlog.segment.bytes = 1000000\n")
    environment = {"QUEKKA_NUM_PARTITIONS": "3", "QUEKKA_LOG_RETENTION_MS": "6"}
    process = quekkad("--config", str(config), "--set", "num.partitions=4", env=environment)
    client = connect(process.host, process.port)
    assert client.ask("CREATE logs") == "+OK logs"
    assert " partitions=4 " in client.ask("INFO logs")
    settings = dict(pair.split("=", 1) for pair in client.ask("CONFIG logs").split(" ")[1:])
    assert settings["retention.ms"] == "6"
    assert settings["segment.bytes"] == "1000000"


def test_the_log_can_be_json(quekkad: Quekkad) -> None:
    process = quekkad("--log-format", "json")
    process.terminate()
    records = [json.loads(line) for line in process.log().splitlines()]
    assert {"INFO"} == {record["level"] for record in records}
    assert process.ready_line.strip() in [record["message"] for record in records]


def test_the_log_level_is_obeyed(quekkad: Quekkad) -> None:
    process = quekkad("--log-level", "error")
    process.terminate()
    assert process.log() == ""


def test_sigusr1_writes_the_stacks_of_all_threads_and_it_goes_on(quekkad: Quekkad, connect: Connect) -> None:
    process = quekkad()
    client = connect(process.host, process.port)
    process.signal(signal.SIGUSR1)
    assert client.ask("PING") == "+OK PONG"
    assert process.terminate() == Exit.OK
    assert "Current thread" in process.log()
    assert "run_daemon" in process.log()
    names = re.findall(r"^Thread (0x[0-9a-f]+) is (.+)$", process.log(), re.MULTILINE)
    numbers = {name: number for number, name in names}
    for name in ("MainThread", "quekka-timers", f"quekka-accept-{process.port}"):
        assert f"hread {numbers[name]} (most recent call first)" in process.log()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1"])
def test_without_standard_error_no_file_takes_its_place_and_signals_end_nothing(
    tmp_path: Path, name: str
) -> None:
    command = 'exec "$0" bin/quekkad --port 0 --data-dir "$1" 2>&-'
    with subprocess.Popen(
        ["sh", "-c", command, sys.executable, str(tmp_path / "data")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert READY_LINE.fullmatch(process.stdout.readline())
        process.send_signal(signal.Signals[name])
        descriptor = Path(f"/proc/{process.pid}/fd/2")
        assert not descriptor.is_symlink() or descriptor.readlink() == Path(os.devnull)
        process.terminate()
        assert process.wait(EXIT_TIMEOUT_S) == Exit.OK


def test_sighup_is_ignored(quekkad: Quekkad, connect: Connect) -> None:
    process = quekkad()
    process.signal(signal.SIGHUP)
    assert connect(process.host, process.port).ask("PING") == "+OK PONG"
    assert process.terminate() == Exit.OK


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="there is no /proc")
def test_it_raises_its_limit_of_open_files(quekkad: Quekkad) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    process = quekkad()
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(rf"^Max open files +{hard} +{hard} ", limits, re.MULTILINE)


def test_a_data_directory_in_use_is_refused(quekkad: Quekkad) -> None:
    process = quekkad()
    second = run_quekkad("--port", "0", "--data-dir", str(process.data_dir))
    assert second.returncode == Exit.DATA_DIR_IN_USE
    assert str(process.data_dir) in second.stderr
    assert second.stdout == ""


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run_quekkad("--port", str(port), "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == Exit.CANNOT_LISTEN
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("not a directory")
    refused = run_quekkad("--port", "0", "--data-dir", str(path))
    assert refused.returncode == Exit.BROKER_REFUSED
    assert "KAFKA_STORAGE_ERROR" in refused.stderr
    assert str(path) in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "70000"], "70000"),
        (["--port", "1", "--listen", "127.0.0.1:2"], "--port and --listen exclude each other"),
        (["--listen", "nowhere"], "nowhere"),
        (["--listen", "0.0.0.0:0"], "no authentication"),
        (["--listen", ""], "--listen: listeners=: no address to listen on"),
        (["--set", "num.partitions"], "'num.partitions' is not name=value"),
        (["--set", "num.partition=2"], "num.partition: no such setting; did you mean num.partitions?"),
        (["--set", "num.partitions=0"], "num.partitions=0: not between"),
        (["--set", "logging.level=loud"], "logging.level=loud: not one of debug, info, warning, error"),
        (["--log-level", "loud"], "loud"),
        (["--data-dir", ""], "--data-dir: log.dir=: no directory"),
        (["--frobnicate"], "frobnicate"),
        (["extra"], "extra"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(options: list[str], said: str, tmp_path: Path) -> None:
    refused = run_quekkad("--data-dir", str(tmp_path / "data"), *options)
    assert refused.returncode == Exit.USAGE
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_wrong_line_of_the_file_is_refused_with_its_number(tmp_path: Path) -> None:
    config = tmp_path / "quekka.conf"
    config.write_text("# a comment\nnum.partitions = many\n")
    refused = run_quekkad("--config", str(config), "--check-config")
    assert refused.returncode == Exit.USAGE
    assert f"{config}:2: num.partitions=many: not a whole number" in refused.stderr


def test_a_missing_file_of_settings_is_refused(tmp_path: Path) -> None:
    refused = run_quekkad("--config", str(tmp_path / "missing.conf"))
    assert refused.returncode == Exit.NOT_FOUND
    assert str(tmp_path / "missing.conf") in refused.stderr


def test_a_wrong_environment_is_refused_with_the_variables_name() -> None:
    refused = run_quekkad("--check-config", env={"QUEKKA_NUM_PARTITIONS": "none"})
    assert refused.returncode == Exit.USAGE
    assert "QUEKKA_NUM_PARTITIONS: num.partitions=none" in refused.stderr


def test_check_config_shows_the_settings_and_starts_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    shown = run_quekkad("--data-dir", str(data_dir), "--set", "num.partitions=7", "--check-config")
    assert shown.returncode == Exit.OK
    lines = shown.stdout.splitlines()
    assert lines[lines.index("num.partitions = 7") - 1] == "# given by --set"
    assert lines[lines.index(f"log.dir = {data_dir}") - 1] == "# given by --data-dir"
    assert sorted(line.split(" = ")[0] for line in lines if not line.startswith("#")) == sorted(ALL_SETTINGS)
    assert not data_dir.exists()


def test_print_settings_explains_every_setting() -> None:
    shown = run_quekkad("--print-settings")
    assert shown.returncode == Exit.OK
    for name, row in ALL_SETTINGS.items():
        assert f"# {row.doc}\n#{name} = " in shown.stdout


def test_version_is_told() -> None:
    shown = run_quekkad("--version")
    assert (shown.returncode, shown.stdout) == (Exit.OK, f"quekkad {__version__}\n")


def test_a_second_signal_ends_it_at_once(quekkad: Quekkad, connect: Connect) -> None:
    """The first stop is held up by replies that nobody reads."""
    process = quekkad("--set", "shutdown.timeout.ms=600000")
    idle = connect(process.host, process.port)
    assert idle.ask("PING") == "+OK PONG"
    hold_up_a_stop(connect(process.host, process.port))
    process.signal(signal.SIGTERM)
    assert idle.read_to_end() == b"", "an idle connection is closed when a stop begins"
    process.signal(signal.SIGINT)
    assert process.wait() == 128 + signal.SIGINT
    again = quekkad()
    assert connect(again.host, again.port).ask("PING") == "+OK PONG"


def hold_up_a_stop(client: WireClient) -> None:
    """Ask for far more than the sockets' buffers hold, and read none of it."""
    for _ in range(16):
        client.publish("large", bytes(1_000_000))
    client.send("PING", *["FETCH large 0 0 16 0 max_bytes=16000000"] * 8)
    assert client.read_line() == "+OK PONG"


def test_a_processor_that_there_is_not_is_refused(tmp_path: Path) -> None:
    refused = run_quekkad("--port", "0", "--data-dir", str(tmp_path / "data"), "--set", "cpu.affinity=4095")
    assert refused.returncode == Exit.BROKER_REFUSED
    assert "cpu.affinity=4095: processor 4095 is not one" in refused.stderr
    assert "Traceback" not in refused.stderr
