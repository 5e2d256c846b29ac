"""quekkad as a process: signals, the interpreter's tuning, the ready line, and a broker in between.

    SIGTERM, SIGINT   stop cleanly; one that comes while it starts is obeyed when it is ready
    the second one    end at once, with 128 + its number; what was acknowledged is safe, as after a crash
    SIGHUP            ignored, so that the end of a terminal session does not end the broker
    SIGUSR1           write the stack of every thread to standard error (faulthandler), and go on

What a library must not do to its process is done here and nowhere else: handlers, logging, limits, the switch
interval and the garbage collector's thresholds.
"""

import faulthandler
import gc
import logging
import os
import queue
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType

from quekka.daemon_config import DaemonConfig
from quekka.embedded import Broker
from quekka.log_format import set_up_logging
from quekka.version import __version__

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger(__name__)


def run_daemon(config: DaemonConfig, say: Callable[[str], None]) -> None:
    """Be quekkad until a signal ends it. `say` gets the one line that tells that it is ready.

    For the main thread of a process of its own. Raises what `Broker.start` raises.
    """
    stop_requests = _listen_to_signals()
    set_up_logging(config.logging_level, config.logging_format)
    _tune_interpreter(config)
    logger.info("quekkad %s starts", __version__)
    broker = Broker(config.data_dir, config.listeners, config.broker_settings())
    broker.start()
    try:
        _freeze_what_lives_on()
        ready = f"quekkad ready on {','.join(broker.addresses)} (pid {os.getpid()}, data {config.data_dir})"
        logger.info(ready)
        say(ready)
        name = stop_requests.get().name
        logger.info("%s: stopping; a second one ends the process at once", name)
    finally:
        broker.stop(config.shutdown_timeout_s)
    logger.info("stopped")


def _listen_to_signals() -> "queue.SimpleQueue[signal.Signals]":
    """Install all handlers; the queue gets the first signal that asks to stop.

    A SimpleQueue, because its `put` may interrupt its own `get`; an Event's `set` may not, and would hang.
    """
    stop_requests: queue.SimpleQueue[signal.Signals] = queue.SimpleQueue()

    def request_stop(number: int, _frame: FrameType | None) -> None:
        for stop_signal in STOP_SIGNALS:
            signal.signal(stop_signal, _end_at_once)
        stop_requests.put(signal.Signals(number))

    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, request_stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.stderr is not None:
        faulthandler.register(signal.SIGUSR1)
    return stop_requests


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _tune_interpreter(config: DaemonConfig) -> None:
    """Give each connection a descriptor, each thread its turn, and the garbage collector less to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.setswitchinterval(config.switch_interval_s)
    _, *older_generations = gc.get_threshold()
    gc.set_threshold(config.gc_threshold, *older_generations)


def _freeze_what_lives_on() -> None:
    """Modules, settings and loaded logs stay until the end: no collection needs to look at them again."""
    gc.collect()
    gc.freeze()
