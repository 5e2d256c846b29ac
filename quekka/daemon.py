"""quekkad as a process: signals, the interpreter's tuning, the ready line, and a broker in between.

    SIGTERM, SIGINT   stop cleanly; one that comes while it starts is obeyed when it is ready
    the second one    end at once, with 128 + its number; what was acknowledged is safe, as after a crash
    SIGHUP            ignored, so that the end of a terminal session does not end the broker
    SIGUSR1           write the stack of every thread to standard error (faulthandler), and go on; their
                      names follow when it serves, since faulthandler knows numbers only

What a library must not do to its process is done here and nowhere else: handlers, logging, limits, the switch
interval and the garbage collector's thresholds.
"""

import faulthandler
import gc
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from quekka.cpu_affinity import apply_affinity
from quekka.daemon_config import DaemonConfig
from quekka.embedded import Broker
from quekka.log_format import set_up_logging
from quekka.thread_turns import ThreadTurns
from quekka.version import __version__

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STDERR_FILENO = 2

logger = logging.getLogger(__name__)


def run_daemon(config: DaemonConfig, say: Callable[[str], None]) -> None:
    """Be quekkad until a signal ends it. `say` gets the one line that tells that it is ready.

    For the main thread of a process of its own. Raises what `Broker.start` raises.
    """
    _occupy_standard_streams()
    signals = _listen_to_signals()
    set_up_logging(config.logging_level, config.logging_format)
    _tune_interpreter(config)
    logger.info("quekkad %s starts", __version__)
    turns = ThreadTurns(config.switch_interval_s)
    broker = Broker(config.data_dir, config.listeners, config.broker_settings(), on_connections=turns.adjust)
    broker.start()
    try:
        _freeze_what_lives_on()
        ready = f"quekkad ready on {','.join(broker.addresses)} (pid {os.getpid()}, data {config.log_dir})"
        logger.info(ready)
        say(ready)
        name = _wait_for_stop(signals).name
        logger.info("%s: stopping; a second one ends the process at once", name)
    finally:
        broker.stop(config.shutdown_timeout_s)
    logger.info("stopped")


def _occupy_standard_streams() -> None:
    """Put /dev/null where standard streams are closed.

    The next file that is opened would get the number, and what is written to "standard error", such as the
    interpreter's last words, would be written into data.
    """
    while (null := os.open(os.devnull, os.O_RDWR)) <= STDERR_FILENO:
        pass
    os.close(null)


def _listen_to_signals() -> int:
    """Install all handlers; the descriptor from which the numbers of the signals that came can be read.

    The numbers are written by the C part of the handler, in whatever thread the kernel chose, so they end a
    read that is under way in the main thread. The Python part runs only when the main thread does something:
    a main thread that sleeps on a lock would sleep on.
    """
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, _expect_the_second)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.stderr is None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGUSR1, _nothing_more)
        faulthandler.register(signal.SIGUSR1, chain=True)
    return readable


def _wait_for_stop(signals: int) -> signal.Signals:
    """The signal that asks to stop; whoever asks for stacks meanwhile gets the threads' names."""
    while True:
        for number in os.read(signals, 4096):
            if number in STOP_SIGNALS:
                return signal.Signals(number)
            # Not in the handler: it may have interrupted a holder of the lock that `enumerate` takes.
            for thread in threading.enumerate():
                sys.stderr.write(f"Thread 0x{thread.ident or 0:016x} is {thread.name}\n")


def _expect_the_second(_number: int, _frame: FrameType | None) -> None:
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, _end_at_once)


def _nothing_more(_number: int, _frame: FrameType | None) -> None:
    """The number has been written; that is all there is to do."""


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _tune_interpreter(config: DaemonConfig) -> None:
    """Give connections descriptors, threads their processors, and the garbage collector less to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    apply_affinity(config.cpu_affinity)
    _, *older_generations = gc.get_threshold()
    gc.set_threshold(config.gc_threshold, *older_generations)


def _freeze_what_lives_on() -> None:
    """Modules, settings and loaded logs stay until the end: no collection needs to look at them again."""
    gc.collect()
    gc.freeze()
