"""On which processors quekkad's threads run.

Python lets one thread of a process run at a time. Where they run on several processors, each hand-over
between two of them wakes another processor, and that can cost more than the work that is handed over. On
one processor it costs a switch of threads. What runs beside Python, reading and writing large pieces, could
use more processors, and on a large machine does; with two, clients need the other one.

    auto    one processor where there are at most two, else all
    none    all that the process was given
    0,2-3   these
"""

import os

from quekka.errors import InvalidConfigError

PROCESSORS_FOR_AUTO = 2
PROCESSOR_MAX = 4095


def check_affinity(text: str) -> str:
    """The text itself; raises ValueError for what is none of auto, none, and a list of processors."""
    if text not in ("auto", "none"):
        _listed(text)
    return text


def processors_for(text: str, given: frozenset[int], process_id: int) -> frozenset[int]:
    """Which of the processors that the process was `given` it is to use.

    Raises ValueError where a list names one that it was not given. `auto` lets brokers that share a machine
    take different processors, by their process ids.
    """
    if text == "none" or (text == "auto" and len(given) > PROCESSORS_FOR_AUTO):
        return given
    if text == "auto":
        return frozenset({sorted(given)[process_id % len(given)]})
    wanted = _listed(text)
    if not wanted <= given:
        shown = ",".join(map(str, sorted(wanted - given)))
        raise ValueError(f"processor {shown} is not one that this process may use")
    return wanted


def apply_affinity(text: str) -> None:
    """Have all threads of this process, from now on, run where `text` says, on systems that can do that.

    Raises InvalidConfigError for a processor that the process may not use.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    try:
        processors = processors_for(text, frozenset(os.sched_getaffinity(0)), os.getpid())
    except ValueError as error:
        raise InvalidConfigError(f"cpu.affinity={text}: {error}") from None
    os.sched_setaffinity(0, processors)


def _listed(text: str) -> frozenset[int]:
    processors: set[int] = set()
    for item in text.split(","):
        first, dash, last = item.partition("-")
        low, high = _number(first), _number(last) if dash else _number(first)
        processors.update(range(low, high + 1))
    if not processors:
        raise ValueError("no processor")
    return frozenset(processors)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4) or int(text) > PROCESSOR_MAX:
        raise ValueError("neither auto nor none nor a list of processors, as 0,2-3")
    return int(text)
