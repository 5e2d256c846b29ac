"""What the process uses, by psutil.

psutil is imported with the first question, since start-up should not wait for it.
"""

import logging
import os

logger = logging.getLogger(__name__)


UNKNOWN = -1
"""Shown where the system does not tell, as when there is no descriptor left to ask with."""


def process_stats() -> dict[str, int | float | str]:
    """Process id, resident memory (bytes), CPU time (seconds, user and system), open file descriptors."""
    stats: dict[str, int | float | str] = {"pid": os.getpid()}
    stats.update(rss_bytes=UNKNOWN, cpu_s=UNKNOWN, fds=UNKNOWN)
    try:
        stats.update(_measure())
    except (OSError, ImportError) as error:
        logger.warning("the process's figures cannot be read: %s", str(error))
    return stats


def _measure() -> dict[str, int | float]:
    import psutil

    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        return {
            "rss_bytes": process.memory_info().rss,
            "cpu_s": round(times.user + times.system, 3),
            "fds": process.num_fds(),
        }
