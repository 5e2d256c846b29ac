"""Clients of a comparison are spawned, for which Python keeps a process of its own to the end of this one."""

from multiprocessing import resource_tracker

import pytest


@pytest.fixture(scope="session", autouse=True)
def spawning() -> None:
    """Begun before any test, so that none of them seems to have left it behind."""
    resource_tracker.ensure_running()
