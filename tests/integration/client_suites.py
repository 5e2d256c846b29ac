"""Run a Kafka client's own integration tests, or any other program, against a fresh quekkad.

    python tests/integration/client_suites.py --set num.partitions=4 -- COMMAND...

starts `bin/quekkad` of this work tree on a free port of 127.0.0.1 with an empty data directory, runs the
command with the broker's address in the environment under each of the names in `ADDRESS_VARIABLES`, stops the
broker, and ends with the command's exit code. `{address}`, `{host}` and `{port}` in the command become what
they say. The broker's data and log stay in the directory that is named at the end.

A suite comes with the sources of its client, and is run in their directory. With SUITE for the words
"python .../tests/integration/client_suites.py":

    kafka-python  KAFKA_VERSION=3.9 SUITE --set num.partitions=4 --set group.min.session.timeout.ms=1000 --
                  python -m pytest test/integration/test_{admin,consumer,producer}_integration.py
    franz-go      KGO_TEST_RF=1 SUITE -- go test -skip TestTxnEtl .     (in pkg/kgo)
    librdkafka    TEST_KAFKA_VERSION=3.9.0 SUITE --set num.partitions=4
                  --set group.initial.rebalance.delay.ms=3000 -- ./test-runner -L -p1
                  (in tests, with bootstrap.servers={address} in test.conf, so with a --port)

Tests of what the broker does not serve fail: transactions, TLS and SASL, ACLs, quotas, share groups, moved
replicas, and groups of the protocol `consumer`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from quekkad_process import QuekkadProcess  # noqa: E402

ADDRESS_VARIABLES = {
    "BROKERS": "{address}",
    "BOOTSTRAP_SERVERS": "{address}",
    "KAFKA_PEERS": "{address}",
    "KAFKA_URI": "kafka://{address}",
    "KGO_SEEDS": "{address}",
}
"""Where suites look for a broker: BROKERS librdkafka's, KAFKA_URI kafka-python's, KGO_SEEDS franz-go's."""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    directory = Path(tempfile.mkdtemp(prefix="quekka-suite-"))
    settings = [word for setting in options.set for word in ("--set", setting)]
    broker = QuekkadProcess(directory / "data", directory / "quekkad.log", *settings, port=options.port)
    try:
        print(broker.ready_line, end="", flush=True)
        return run(broker, options.command)
    finally:
        broker.terminate()
        print(f"the broker's data and log are in {directory}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as for quekkad")
    parser.add_argument("--port", type=int, default=0, help="where a suite insists on one")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    return parser.parse_args(arguments)


def run(broker: QuekkadProcess, command: Sequence[str]) -> int:
    """Run the command next to the broker; its exit code."""
    places = {"address": broker.address, "host": broker.host, "port": str(broker.port)}
    variables = {name: value.format(**places) for name, value in ADDRESS_VARIABLES.items()}
    filled = list(command)
    for name, value in places.items():
        filled = [word.replace("{" + name + "}", value) for word in filled]
    return subprocess.run(filled, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
