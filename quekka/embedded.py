"""A whole broker as an object: core, listeners and data directory, in any process, as many as wanted.

    with quekka.Broker() as broker:                    # a free port, a temporary data directory
        with quekka.Producer(broker.address) as producer:
            ...

It sets no signal handlers, starts no process and keeps no global state; quekkad is this plus a command line.
"""

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from quekka.broker.broker import BrokerCore
from quekka.broker.config import EMBEDDED_DEFAULTS, BrokerConfig
from quekka.clock import SYSTEM_CLOCK, Clock
from quekka.deadline import Deadline
from quekka.errors import BadRequestError, InvalidConfigError
from quekka.servers.connection_slots import ConnectionSlots
from quekka.servers.listen_address import ListenAddress, format_address
from quekka.servers.tcp_server import TcpServer
from quekka.storage.files import FILES, Files

DEFAULT_LISTEN = "127.0.0.1:0"
DEFAULT_STOP_TIMEOUT_S = 10.0


class Broker:
    """A broker that listens between `start` and `stop`; both may be called again and again, also in turn.

    `data_dir` None means a temporary directory that `stop` removes. `listen` is one address or several, as
    quekkad(8) --listen takes them; port 0 takes a free one. `settings` are those of quekka.conf(5), by name.
    `on_connections` is called with the number of open connections whenever it changes, and must be quick.
    The constructor raises InvalidConfigError for a setting or a directory that cannot be, and BadRequestError
    for an address.

    Threads: any; start and stop are serialized by a lock.
    """

    def __init__(
        self,
        data_dir: str | Path | None = None,
        listen: str | Sequence[str] = DEFAULT_LISTEN,
        settings: Mapping[str, str] | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        files: Files = FILES,
        on_connections: Callable[[int], None] | None = None,
    ) -> None:
        if data_dir == "":
            raise InvalidConfigError("data_dir is empty: name a directory, or None for a temporary one")
        if not listen:
            raise BadRequestError("listen is empty: name at least one address")
        # Constant
        self._data_dir = None if data_dir is None else Path(data_dir)
        self._config = BrokerConfig.from_settings({**EMBEDDED_DEFAULTS, **(settings or {})})
        addresses = [listen] if isinstance(listen, str) else listen
        self._listen = tuple(ListenAddress.parse(address) for address in addresses)
        self._clock = clock
        self._files = files
        self._on_connections = on_connections
        self._start_stop_mutex = threading.Lock()
        # Guarded by the mutex
        self._core: BrokerCore | None = None
        self._servers: list[TcpServer] = []
        self._temporary_dir: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Load what is in the data directory and listen; returns when clients can connect.

        Does nothing when it runs already. Raises DataDirInUseError, KafkaStorageError, OSError or
        ListenError; nothing is left behind then, but for a data directory that was not temporary.
        """
        with self._start_stop_mutex:
            if self._core is None:
                self._start_locked()

    def stop(self, timeout_s: float = DEFAULT_STOP_TIMEOUT_S) -> None:
        """Answer requests in progress, for `timeout_s` at most, write all to disk and let everything go.

        Does nothing when it does not run.
        """
        with self._start_stop_mutex:
            if self._core is not None:
                core, self._core = self._core, None
                self._stop_locked(core, Deadline(timeout_s))

    @property
    def core(self) -> BrokerCore:
        """Topics, groups and metrics, without a socket in between; RuntimeError when it does not run."""
        core = self._core
        if core is None:
            raise RuntimeError("the broker is not running")
        return core

    @property
    def addresses(self) -> tuple[str, ...]:
        """The real addresses of all listeners, `host:port`, in the order in which they were given."""
        return tuple(format_address(*server.address) for server in self._running_servers())

    @property
    def address(self) -> str:
        """The first listener's `host:port`, as clients take it."""
        return self.addresses[0]

    @property
    def host(self) -> str:
        return self._running_servers()[0].address[0]

    @property
    def port(self) -> int:
        return self._running_servers()[0].address[1]

    def _running_servers(self) -> list[TcpServer]:
        servers = self._servers
        if not servers:
            raise RuntimeError("the broker is not running")
        return servers

    def _start_locked(self) -> None:
        """Start from the disk upwards; a step that fails has those before it undone, last first."""
        with ExitStack() as undo:
            # 1. A place for the data.
            data_dir = self._data_dir or self._make_temporary_dir()
            undo.callback(self._remove_temporary_dir)
            # 2. The broker: lock the directory, load logs and offsets, start the timers.
            core = BrokerCore(data_dir, self._config, clock=self._clock, files=self._files)
            core.start()
            undo.callback(core.stop)
            # 3. Listen, last: who can connect is served.
            slots = ConnectionSlots(self._on_connections)
            servers: list[TcpServer] = []
            for address in self._listen:
                server = TcpServer(core, address, slots)
                server.start()
                undo.callback(_stop_server, server)
                servers.append(server)
            undo.pop_all()
        self._servers = servers
        self._core = core

    def _stop_locked(self, core: BrokerCore, deadline: Deadline) -> None:
        """Stop from the sockets downwards; a step that fails keeps none of those after it from being done."""
        servers, self._servers = self._servers, []
        with ExitStack() as last_first:
            # 5. The temporary directory goes when nothing uses it.
            last_first.callback(self._remove_temporary_dir)
            # 4. Timers, then writers: flush, clean-stop marker, and the lock is released.
            last_first.callback(core.stop)
            # 3. Requests in progress are answered, then connections are closed.
            for server in servers:
                last_first.callback(server.close_connections, deadline)
            # 2. Whoever waits for data, room or a group is woken.
            last_first.callback(core.begin_stop)
            # 1. Nobody new.
            for server in servers:
                last_first.callback(server.stop_accepting)

    def _make_temporary_dir(self) -> Path:
        import tempfile

        self._temporary_dir = Path(tempfile.mkdtemp(prefix="quekka-"))
        return self._temporary_dir

    def _remove_temporary_dir(self) -> None:
        directory, self._temporary_dir = self._temporary_dir, None
        if directory is not None:
            shutil.rmtree(directory)


def _stop_server(server: TcpServer) -> None:
    server.stop_accepting()
    server.close_connections(Deadline(DEFAULT_STOP_TIMEOUT_S))
