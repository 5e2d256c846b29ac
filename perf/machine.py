"""Which machine, which versions, which commit: what a result is worth nothing without."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from perf.broker_process import ROOT
from quekka.version import __version__

LIBRARIES = ("click", "crc32c", "crcmod", "cramjam", "psutil")


def describe_machine() -> dict[str, Any]:
    """As it is before the loads: what else runs shows in the load average."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "cpus_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": list(psutil.getloadavg()),
    }


def describe_versions(more: Sequence[str] = ()) -> dict[str, str | None]:
    """What ran, with the libraries of `more`; None for one that is not installed."""
    found = {"quekka": __version__, "python": platform.python_version(), "commit": _commit()}
    for name in (*LIBRARIES, *more):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _commit() -> str | None:
    """The commit, with `+` behind it when files differ from it; None outside a git work tree."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()
