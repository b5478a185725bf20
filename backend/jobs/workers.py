"""Whether anybody would take a job: the dispatcher's heartbeat, read without Dask."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from backend.jobs.lease import Beat, read_beat
from backend.records import Workers, now
from backend.settings import load
from backend.store.layout import read_json, write_json


def beat_file() -> Path:
    return load().home / "workers.json"


def beat(trainers: int, device: str) -> None:
    """The dispatcher says that it lives."""
    write_json(beat_file(), {**asdict(Beat.of_this_process()), "seen": now(), "trainers": trainers, "device": device})


def workers() -> Workers:
    seen = read_beat(beat_file())
    if seen is None:
        return Workers(alive=False)
    told = read_json(beat_file())
    if not seen.alive(hung_s=30):
        return Workers(alive=False, seen=told["seen"])
    return Workers(alive=True, trainers=told["trainers"], device=told["device"], seen=told["seen"])
