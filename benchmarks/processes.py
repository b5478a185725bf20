"""What it takes before anything is computed: the command line, the dashboard, the workers that wait."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

import psutil

from backend import api
from backend.settings import PROJECT
from benchmarks.measured import POLL_S, Row, median_s, memory_bytes

SETTLED_S = 5.0
LONGEST_S = 90.0
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def measure() -> list[Row]:
    start_s = median_s(lambda: subprocess.run([sys.executable, "-m", "backend", "--help"], **_HERE, check=True), 3)  # type: ignore[call-overload]
    return [Row("Command line: python -m backend --help", start_s, "s"), *_workers(), *_dashboard()]


_HERE = {"cwd": PROJECT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _workers() -> list[Row]:
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "backend.jobs.dispatcher"], **_HERE) as process:  # type: ignore[call-overload]
        try:
            _until(lambda: api.workers().alive, process)
            ready_s = time.perf_counter() - began
            time.sleep(SETTLED_S)
            both = memory_bytes(psutil.Process(process.pid), itself=True) / 1e6
        finally:
            process.terminate()
    note = "resident; what they share is counted in each"
    return [Row("Workers ready", ready_s, "s"), Row("Dispatcher and workers, idle", both, "MB", note=note)]


def _dashboard() -> list[Row]:
    """Until a browser shows the first page's title; without a browser, until the server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "streamlit", "run", "app.py", *flags], **_HERE) as process:  # type: ignore[call-overload]
        try:
            url = f"http://127.0.0.1:{port}"
            _until(lambda: _answers(f"{url}/_stcore/health"), process)
            rows = [Row("streamlit run app.py: it answers", time.perf_counter() - began, "s")]
            if CHROMIUM:
                title_s = _see_title(url)
                rows.append(Row("A browser’s first page after that", title_s, "s", note="the browser itself was open"))
            rows.append(Row("Dashboard", memory_bytes(psutil.Process(process.pid), itself=True) / 1e6, "MB"))
        finally:
            process.terminate()
    return rows


def _see_title(url: str) -> float:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(url)
        page.get_by_role("heading", level=1).first.wait_for(timeout=LONGEST_S * 1000)
        taken = time.perf_counter() - began
        browser.close()
    return taken


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def _until(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not true():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r} did not answer")
        time.sleep(POLL_S)
