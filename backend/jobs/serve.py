"""The whole of Resitu on this machine: `python -m backend.jobs.serve`, which is what `make run` calls.

Starts the dispatcher and the dashboard, asks for the demo study, and passes Ctrl-C on to both.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from backend.jobs.child import GRACE_S, PR_SET_PDEATHSIG
from backend.jobs.dispatcher import ALREADY_RUNNING
from backend.jobs.submit import submit
from backend.jobs.workers import workers
from backend.settings import PROJECT, load

PORTS = 50  # how many are tried
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
DEMO = {"seed": 0}

Process = subprocess.Popen[bytes]


def main() -> int:
    settings = load()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    port = free_port(settings.address, settings.port)
    dispatcher = start("-m", "backend.jobs.dispatcher")
    submit("demo", DEMO)  # at once where it is made already
    dashboard = start("-m", "streamlit", "run", "app.py", *flags(settings.address, port))
    if settings.address not in LOOPBACK:
        say(f"WARNING: Resitu listens on {settings.address} and has no sign-in: whoever reaches it can use it.")
    try:
        announce(settings.address, port, dashboard, ended)
        while not ended.wait(0.5) and dashboard.poll() is None:
            dispatcher = kept_alive(dispatcher, ended)
    finally:
        if ended.is_set():
            say("Saving and stopping ...")
        end(dispatcher, dashboard)
    return 0 if ended.is_set() else int(dashboard.returncode or 0)


def flags(address: str, port: int) -> list[str]:
    return [
        "--server.address",
        address,
        "--server.port",
        str(port),
        "--server.headless",
        "true",
        "--logger.hideWelcomeMessage",
        "true",
    ]


def free_port(address: str, first: int) -> int:
    """The first free port from `first` on: a second clone beside the first takes the next."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in range(first, first + PORTS):
        with socket.socket(family) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            return port
    raise SystemExit(f"No port from {first} to {first + PORTS - 1} is free on {address}. Set RESITU_PORT to another.")


def start(*arguments: str) -> Process:
    """In a session of its own, so that Ctrl-C reaches it through us alone; it dies with us all the same."""
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    environment = {**os.environ, "RESITU_PARENT": str(os.getpid())}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
        preexec_fn=die_with_parent if sys.platform == "linux" else None,
    )


def announce(listens: str, port: int, dashboard: Process, ended: threading.Event) -> None:
    """Say the address once the dashboard answers."""
    host = "localhost" if listens in (*LOOPBACK, *EVERYWHERE) else listens
    address = f"http://{host}:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and dashboard.poll() is None and not ended.wait(0.2):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
            say(f"Resitu is at {address} (data in {load().home}). Ctrl-C saves and stops.")
            return


def kept_alive(dispatcher: Process, ended: threading.Event) -> Process:
    """The dispatcher, started anew if it broke. Where another one serves this data root, that one is enough, for as
    long as it lives: it may be that of a dashboard which was just stopped."""
    code = dispatcher.poll()
    if code is None or (code == ALREADY_RUNNING and workers().alive):
        return dispatcher
    if code != ALREADY_RUNNING:
        say(f"The workers ended unasked (code {code}); starting them again.")
    ended.wait(2)
    return start("-m", "backend.jobs.dispatcher")


def end(*processes: Process) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + GRACE_S + 7
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
