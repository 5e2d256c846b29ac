"""What it costs to hand work to another thread and to get the answer: by locks, by a pipe, by an eventfd.

    python perf/handover.py [--rounds 3] [--requests 5000]

A server of one connection answers requests of 1 KB. Its connection thread either answers by itself (`none`),
or has a second thread do a little work first, as a broker's connection thread has its topic's writer do; the
two wake each other in one of three ways. Client and server are processes of their own, so what is shown is
what a client sees. The best round of each counts, since noise only adds.
"""

import multiprocessing
import os
import queue
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import click

REQUEST = b"y" * 1024
ANSWER = b"x" * 16
WORK_STEPS = 300


def work() -> None:
    """About as much Python as one append takes the writer."""
    total = 0
    for step in range(WORK_STEPS):
        total += step


class Locks:
    """The writer sleeps on a SimpleQueue, the connection on a lock."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._done = threading.Lock()
        self._done.acquire()

    def ask(self) -> None:
        self._requests.put(None)
        self._done.acquire()

    def serve(self) -> None:
        self._requests.get()
        work()
        self._done.release()


class Pipes:
    """Both sleep in read(2) on a pipe."""

    def __init__(self) -> None:
        self._request_read, self._request_write = os.pipe()
        self._done_read, self._done_write = os.pipe()

    def ask(self) -> None:
        os.write(self._request_write, b"\0")
        os.read(self._done_read, 1)

    def serve(self) -> None:
        os.read(self._request_read, 1)
        work()
        os.write(self._done_write, b"\0")


class Eventfds:
    """Both sleep in read(2) on an eventfd(2)."""

    def __init__(self) -> None:
        self._request = os.eventfd(0)
        self._done = os.eventfd(0)

    def ask(self) -> None:
        os.eventfd_write(self._request, 1)
        os.eventfd_read(self._done)

    def serve(self) -> None:
        os.eventfd_read(self._request)
        work()
        os.eventfd_write(self._done, 1)


class Alone:
    """No second thread: the connection's thread does the work."""

    def ask(self) -> None:
        work()

    def serve(self) -> None:
        threading.Event().wait()


WAYS: dict[str, Callable[[], Alone | Locks | Pipes | Eventfds]] = {
    "none": Alone,
    "locks": Locks,
    "pipes": Pipes,
    "eventfds": Eventfds,
}


def serve(way: str, switch_interval_s: float, ready: Connection) -> None:
    """The server process: one connection, and a thread behind it."""
    sys.setswitchinterval(switch_interval_s)
    hand_over = WAYS[way]()
    listening = socket.create_server(("127.0.0.1", 0))
    ready.send(listening.getsockname())

    def serve_loop() -> None:
        while True:
            hand_over.serve()

    threading.Thread(target=serve_loop, daemon=True).start()
    connected, _ = listening.accept()
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while connected.recv(65536):
        work()
        hand_over.ask()
        connected.sendall(ANSWER)


def measure(way: str, switch_interval_s: float, requests: int) -> float:
    """Median round trip in microseconds."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(way, switch_interval_s, there), daemon=True)
    server.start()
    with socket.create_connection(here.recv()) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        round_trips_s = []
        for _ in range(requests):
            start_s = time.perf_counter()
            client.sendall(REQUEST)
            client.recv(65536)
            round_trips_s.append(time.perf_counter() - start_s)
    server.terminate()
    server.join()
    return statistics.median(round_trips_s) * 1e6


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each way is measured, taking turns.")
@click.option("--requests", default=5000, show_default=True, help="Requests in one measurement.")
@click.option("--switch-interval-ms", default=0.5, show_default=True, help="As quekkad sets it.")
def main(rounds: int, requests: int, switch_interval_ms: float) -> None:
    """Show the median round trip of each way."""
    figures: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, medians_us in figures.items():
            medians_us.append(measure(way, switch_interval_ms / 1000, requests))
    for way, medians_us in figures.items():
        click.echo(
            f"{way:10} {min(medians_us):8.1f} us   (rounds: {', '.join(f'{m:.1f}' for m in medians_us)})"
        )


if __name__ == "__main__":
    main()
