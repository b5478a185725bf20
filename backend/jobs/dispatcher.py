"""Gives queued jobs to workers: `python -m backend.jobs.dispatcher`. One per data root.

The queue and every status lie in the index; Dask is only hands. So this process may die at any moment: the next one
finds queued jobs queued, and running ones by their leases.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.errors import UserError
from backend.jobs import handlers, launch, workers
from backend.jobs.child import GRACE_S, die_with_parent
from backend.jobs.cluster import connected
from backend.jobs.handlers import Lane
from backend.jobs.lease import holder, recover
from backend.records import JobState
from backend.settings import load
from backend.store import index

LOOP_S = 0.3
BEAT_S = 2.0
ALREADY_RUNNING = 4
LANES: tuple[Lane, ...] = ("train", "quick")

log = logging.getLogger("resitu.dispatcher")


class Dispatcher:
    """client: a `distributed.Client`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._under_way: dict[str, tuple[Lane, Any]] = {}  # job id -> lane, future
        self._slots = dict.fromkeys(LANES, 0)
        self._device = _Device(load().device)
        self._beaten = 0.0

    def step(self) -> None:
        if time.monotonic() - self._beaten > BEAT_S:
            self._beaten = time.monotonic()
            self._slots = self._count_slots()
            workers.beat(self._slots["train"], self._device.name())
        self._collect()
        for job in index.list_jobs(JobState.RUNNING):
            if holder(job.id) is None:
                log.warning("the process of %s is gone: it is now %s", job.id, recover(job.id).state)
        self._hand_out()

    def _count_slots(self) -> dict[Lane, int]:
        offers = [worker["resources"] for worker in self._client.scheduler_info(n_workers=-1)["workers"].values()]
        return {lane: int(sum(offer.get(lane, 0) for offer in offers)) for lane in LANES}

    def _collect(self) -> None:
        for job_id, (_, future) in list(self._under_way.items()):
            if future.done():
                if future.status == "error":
                    log.warning("the worker of %s failed: %r", job_id, future.exception())
                del self._under_way[job_id]

    def _hand_out(self) -> None:
        """First come, first served, in each lane, as far as there are free hands. The rest waits in the index, where
        it can still be cancelled."""
        for job in index.list_jobs(JobState.QUEUED):
            lane = handlers.lane(job.kind)
            busy = sum(taken == lane for taken, _ in self._under_way.values())
            if job.id not in self._under_way and busy < self._slots[lane]:
                options = {"resources": {lane: 1}, "pure": False, "retries": 0}
                self._under_way[job.id] = lane, self._client.submit(launch.run_on_worker, job.id, **options)

    def end(self) -> None:
        """Let the children on this machine save and queue their jobs again."""
        jobs = [job_id for job_id in self._under_way if self._signalled(job_id)]
        deadline = time.monotonic() + GRACE_S + 2
        while any(holder(job_id) for job_id in jobs) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _signalled(self, job_id: str) -> bool:
        held = holder(job_id)
        if held is None or not held.here:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(held.pid, signal.SIGTERM)
        return True


class _Device:
    """Which device a training will get, told by a short process of its own: this one must not import torch."""

    def __init__(self, wanted: str) -> None:
        self._asked = None
        if wanted != "cpu" and Path("/dev/nvidiactl").exists():
            question = f"from backend.training.device import choose_device; print(choose_device({wanted!r}))"
            self._asked = subprocess.Popen([sys.executable, "-c", question], stdout=subprocess.PIPE, text=True)
        self._name = "cpu"

    def name(self) -> str:
        """ "cpu" until the answer is there."""
        if self._asked and self._asked.poll() is not None:
            self._name = self._asked.communicate()[0].strip() or "cpu"
            self._asked = None
        return self._name


@contextlib.contextmanager
def only_one() -> Iterator[bool]:
    """Hold the data root's dispatcher lock; False: another process does. The system frees it when the process dies."""
    home = load().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "dispatcher.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    die_with_parent()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with only_one() as alone:
        if not alone:
            log.error("The workers of %s run already.", load().home)
            return ALREADY_RUNNING
        with connected() as client:
            dispatcher = Dispatcher(client)
            try:
                while not ended.is_set():
                    try:
                        dispatcher.step()
                    except UserError as error:  # such as a row that somebody else wrote into the index
                        log.error("%s", error)
                    ended.wait(LOOP_S)
            finally:
                workers.beat_file().unlink(missing_ok=True)
                dispatcher.end()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
