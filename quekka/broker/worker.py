"""A thread for work that takes long and concerns no writer: syncing files, cleaning logs."""

import logging
import queue
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

Job = Callable[[], None]


class Worker:
    """One thread that does jobs in the order in which they came; it starts with the first.

    The queue is bounded by its users: each topic has at most one job of a kind waiting.

    Threads: any may submit; `stop` by the thread that stops the broker.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def submit(self, job: Job) -> bool:
        """Queue `job`; False when the worker was stopped and the job will not be done."""
        with self._mutex:
            if self._stopped:
                return False
            if self._thread is None:
                thread = threading.Thread(target=self._worker_loop, name=self._name, daemon=True)
                thread.start()
                self._thread = thread  # not before: one that could not be started does no jobs
            self._jobs.put(job)
            return True

    def stop(self) -> None:
        """Finish the jobs that are queued, then end the thread."""
        with self._mutex:
            self._stopped = True
            thread = self._thread
            self._jobs.put(None)
        if thread is not None:
            thread.join()

    def _worker_loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                logger.exception("a job of %s failed; the next one goes on", self._name)
