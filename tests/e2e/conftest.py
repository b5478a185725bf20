"""A real server and a real browser: the command of `make run` on a free port with a data root of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker("e2e")
            item.add_marker(pytest.mark.timeout(900))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here (Debian: apt-get install chromium)"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    url: str
    home: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start(home: Path, *command: str, **environment: str) -> Server:
    """Start a server and wait until it answers."""
    port = free_port()
    env = {**os.environ, "RESITU_HOME": str(home), "RESITU_PORT": str(port), **environment}
    log = (home / "server.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", *(part.replace("{port}", str(port)) for part in command)],
        cwd=PROJECT, env=env, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server stopped: {(home / 'server.log').read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return Server(url, home, process)
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server did not answer in a minute")


def pages_only(home: Path) -> Server:
    """`streamlit run app.py` alone: no workers."""
    options = ("--server.port", "{port}", "--server.address", "127.0.0.1", "--server.headless", "true")
    return start(home, "streamlit", "run", "app.py", *options)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("resitu-home")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    """What `make run` starts, with the demo study made; a module's own, for Home opens what was last worked on."""
    data = PROJECT.parent / "shared" / "data"
    running = start(home, "backend.jobs.serve", RESITU_FOLDERS=str(data) if data.is_dir() else "")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def is_defect(message) -> bool:
    """Streamlit finds out where it is mounted by asking below the page's path first (/data/_stcore/health): those 404s
    are its own, and end there."""
    probe = message.location.get("url", "").split("?")[0].endswith(("/_stcore/health", "/_stcore/host-config"))
    return message.type == "error" and not probe


@pytest.fixture
def open_page(chromium) -> Iterator[Callable]:
    """`open_page(url, width=1440, dark=False)`: a page in a session of its own. The test fails on any console error."""
    errors: list[str] = []
    contexts = []

    def opened(url: str, *, width: int = 1440, dark: bool = False):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda message: errors.append(f"{message.text} {message.location}") if is_defect(message) else None,
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(30_000)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
