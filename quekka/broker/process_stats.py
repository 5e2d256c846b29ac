"""What the process uses, by psutil.

psutil is imported with the first question, since start-up should not wait for it.
"""

import os


def process_stats() -> dict[str, int | float | str]:
    """Process id, resident memory (bytes), CPU time (seconds, user and system), open file descriptors."""
    import psutil

    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        return {
            "pid": os.getpid(),
            "rss_bytes": process.memory_info().rss,
            "cpu_s": round(times.user + times.system, 3),
            "fds": process.num_fds(),
        }
