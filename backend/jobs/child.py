"""The process that does one job: `python -m backend.jobs.child JOB_ID`. It dies with the process that started it.

Exit codes: 0 done, whatever the job's end; 3 the job is not to be had. Anything else is a death.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.errors import Stopped, UserError
from backend.jobs import handlers
from backend.jobs.context import JobContext, MakeRoom
from backend.jobs.lease import Lease, LeaseLost, take
from backend.records import JobState, JobStatus, now
from backend.settings import load
from backend.store import index, keys
from backend.store.layout import job_folder, replace_folder, result_folder, sync_folder

NOT_MINE = 3
GRACE_S = 8.0  # between being told to end and ending the hard way
PR_SET_PDEATHSIG = 1

log = logging.getLogger("resitu.job")


def main(job_id: str) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    ending = listen()
    die_with_parent()
    die_first()
    lease = take(job_id)
    if lease is None:
        return NOT_MINE
    status = index.get(JobStatus, job_id)
    log.info("job %s, attempt %d, pid %d", job_id, lease.token, os.getpid())
    partial = fresh_result(job_id, lease.token)
    context = JobContext(status, lease, partial, ending)
    lease.start_beating(also=end_if_slow(context, lease))
    try:
        close(lease, work(status, context), partial)
    except LeaseLost as lost:
        log.warning("%s: nothing was written", lost)
    finally:
        lease.release()
        shutil.rmtree(partial, ignore_errors=True)
    return 0


def die_with_parent() -> None:
    """Get SIGTERM when the parent dies. It names itself in RESITU_PARENT, so that a death before this is seen too."""
    with contextlib.suppress(OSError, AttributeError):  # Linux only; elsewhere `end_if_slow` sees it
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if orphaned():
        raise SystemExit(NOT_MINE)


def orphaned() -> bool:
    parent = os.environ.get("RESITU_PARENT")
    return bool(parent) and os.getppid() != int(parent or 0)


def die_first() -> None:
    """Where memory runs out, the system shall end this process and not the dashboard."""
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("500")


def listen() -> threading.Event:
    """Set by SIGTERM and Ctrl-C: save, queue again, go."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    return ending


def end_if_slow(context: JobContext, lease: Lease) -> Callable[[], None]:
    """At each beat: a process that was told to end or to cancel, and is deep in some library, ends here."""
    told: list[float] = []

    def look() -> None:
        cancelled = (context.folder / "cancel").exists()
        if orphaned():
            context.ending.set()
        if cancelled or context.ending.is_set() or lease.lost.is_set():
            told.append(time.monotonic())
        if told and time.monotonic() - told[0] > GRACE_S:
            end_now(lease, JobState.CANCELLED if cancelled else JobState.QUEUED)

    return look


def end_now(lease: Lease, state: JobState) -> None:
    log.warning("told to end, but busy: ended the hard way")
    changes = {"state": state, "stage": "", "finished": now() if state.finished else None}
    with contextlib.suppress(LeaseLost):
        lease.update(lambda status: status.model_copy(update=changes))
    os._exit(0)


def fresh_result(job_id: str, token: int) -> Path:
    """The attempt's private folder; what earlier attempts left half-done goes."""
    for old in job_folder(job_id).glob(".result.*"):
        shutil.rmtree(old, ignore_errors=True)
    partial = job_folder(job_id) / f".result.{token}.partial"
    partial.mkdir(parents=True)
    return partial


Ending = tuple[dict[str, Any], bool]  # changes to the status, and whether the result is to be published


def work(status: JobStatus, context: JobContext) -> Ending:
    """Run the handler; say how it ended."""
    try:
        result = handlers.handler(status.kind)(status.params, context)
        keys.canonical_json(result)  # what is not JSON is a defect of the handler
    except MakeRoom as reason:
        log.info("making room: %s", reason)
        return {"state": JobState.QUEUED, "stage": ""}, False
    except Stopped:
        log.info("cancelled")
        return {"state": JobState.CANCELLED}, False
    except UserError as error:
        log.info("refused: %s", error)
        return {"state": JobState.FAILED, "error": error.to_dict()}, False
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("job %s failed", status.id)
        return {"state": JobState.FAILED, "error": defect(error, status.id)}, False
    stopped_at = result.get("stopped_at", context.stopped_at)
    state = JobState.SUCCEEDED if stopped_at is None else JobState.STOPPED
    return {"state": state, "result": result, "stopped_at": stopped_at}, True


def defect(error: Exception, job_id: str) -> dict[str, str]:
    """An error that the user did not make, in words for the user."""
    where = job_folder(job_id) / "log.txt"
    short = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if short or "can't allocate memory" in str(error):
        return {
            "kind": "MemoryError",
            "what": "This needs more memory than is free here.",
            "why": str(error).split("\n")[0][:300],
            "mend": "Close other programs, or choose fewer cells, a smaller batch or a smaller preset.",
        }
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return {
            "kind": "DiskFull",
            "what": "The disk is full.",
            "why": f"{load().home} has no room for what this job writes.",
            "mend": "Delete data sets or runs that nobody needs, or set RESITU_HOME to a larger disk.",
        }
    return {
        "kind": "Defect",
        "what": "Something broke inside Resitu. This is not your mistake.",
        "why": f"{type(error).__name__}: {str(error)[:300]}",
        "mend": f"The whole story is in {where}; send it to whoever looks after Resitu.",
    }


def close(lease: Lease, ending: Ending, partial: Path) -> None:
    """Publish the result and write the last status, both or neither, if the job is still ours."""
    changes, publish = ending
    if publish:
        sync_folder(partial)  # slow, so before the transaction
    if changes["state"] is not JobState.QUEUED:
        changes = {**changes, "finished": now()}
    with lease.fenced() as status:
        changed = status.model_copy(update=changes)
        index.put(changed)
        if publish:
            replace_folder(partial, result_folder(lease.job_id))
    if changed.state in (JobState.SUCCEEDED, JobState.CANCELLED):
        shutil.rmtree(job_folder(lease.job_id) / "checkpoint", ignore_errors=True)
    log.info("%s", changed.state)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
