"""Small jobs with the manners of large ones."""

import errno
import json
import os
import time
from pathlib import Path

from backend.errors import DataError


def count(params, job):
    """Add up the steps; keep a checkpoint; leave a trace of each step that was really done."""
    fit = job.fit_context("toy", seed=0)
    saved = fit.folder / "state.json"
    state = json.loads(saved.read_text()) if saved.exists() else {"step": 0, "total": 0}
    job.stage("counting")
    while state["step"] < params["steps"]:
        state = {"step": state["step"] + 1, "total": state["total"] + state["step"] ** 2}
        time.sleep(params.get("seconds", 0.01))
        with (job.folder / "done.txt").open("a") as trace:
            trace.write(f"{state['step']}\n")
        fit.report(state["step"], params["steps"], loss=1 / state["step"])
        if fit.checkpoint_due():
            partial = saved.with_suffix(".new")
            partial.write_text(json.dumps(state))
            partial.replace(saved)
        if fit.should_stop():
            break
    (job.result / "total.json").write_text(json.dumps(state))
    return {"total": state["total"], "stopped_at": state["step"] if state["step"] < params["steps"] else None}


def slow_result(params, job):
    """Leave a result in pieces, one at a time."""
    for piece in range(params["pieces"]):
        (job.result / f"{piece}.txt").write_text("x")
        job.report(piece + 1, params["pieces"])
        time.sleep(params.get("seconds", 0.05))
    return {}


def sleep(params, job):
    """Deaf: asks nothing of the job."""
    Path(job.folder / "asleep").touch()
    time.sleep(params["seconds"])
    (job.result / "awake").touch()
    return {"token": params.get("token", "")}


def refuse(params, job):
    raise DataError("The file is empty.", "It holds no cells.", "Choose another.")


def crash(params, job):
    raise ZeroDivisionError("a defect")


def eat(params, job):
    raise MemoryError("Unable to allocate 9 TiB")


def leave(params, job):
    os._exit(7)


def fill(params, job):
    raise OSError(errno.ENOSPC, "No space left on device")


def babble(params, job):
    return {"not JSON": {1, 2}}
