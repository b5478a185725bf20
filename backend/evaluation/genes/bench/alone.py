"""A method in a process of its own: `python -m backend.evaluation.genes.bench.alone FOLDER`.

FOLDER holds `task.json` and the views; predictions, facts and, where it went wrong, `error.json` are left there. Only
so are time and memory the method's own, and what is hidden out of its reach.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from backend.errors import UserError
from backend.settings import PROJECT, load

if TYPE_CHECKING:
    from backend.methods.contract import RunContext

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
STORY = "story.txt"  # what the child wrote to standard error
_TOLD = 12  # last lines of a broken method's story


@dataclass(frozen=True)
class Task:
    """config: values that differ from the method's defaults. folds: numbers whose views lie in the folder."""

    method: str
    config: Mapping[str, Any]
    seed: int
    threads: int
    folds: tuple[int, ...]


@dataclass
class AloneContext:
    """What a method knows of the world: nobody stops it, and nothing is checkpointed."""

    seed: int
    threads: int
    folder: Path
    told: dict[str, float] = field(default_factory=dict)

    @cached_property
    def device(self) -> str:
        """Asked only by methods that use torch, so that the others' memory does not hold it."""
        from backend.training.device import choose_device

        return choose_device(load().device)

    def report(self, step: int, steps: int, **metrics: float) -> None:
        self.told = {"step": step, "steps": steps, **metrics}

    def should_stop(self) -> bool:
        return False

    def checkpoint_due(self) -> bool:
        return False


def run_alone(task: Task, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Have the task done in `folder`, where `view-K.npz` and `reference.npz` lie; predictions are left beside them as
    `METHOD-K.npz`. Returns the facts: per fold seconds, stopped_at and the last metrics; peak_mb, start_mb.

    Raises `UserError` with the method's own words, or saying how it broke."""
    spec = {**task.__dict__, "config": dict(task.config)}
    (folder / "task.json").write_text(json.dumps(spec))
    (folder / "error.json").unlink(missing_ok=True)
    code = launch(task.threads, folder, say)
    if (folder / "error.json").exists():
        error = json.loads((folder / "error.json").read_text())
        raise UserError(error["what"], error["why"], error["mend"])
    if code:
        raise _broken(task.method, code, (folder / STORY).read_text(errors="replace"))
    return cast(dict[str, Any], json.loads((folder / "facts.json").read_text()))


def launch(threads: int, folder: Path, say: Callable[[str], None]) -> int:
    """The child's exit code, once it is done; it does not outlive this process."""
    environment = os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", __name__, str(folder)]
    with (folder / STORY).open("w") as errors:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdin=pipe, stdout=pipe, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                say(line.rstrip())
            return process.wait()
        finally:
            process.kill()
            process.wait()


def _broken(method: str, code: int, story: str) -> UserError:
    if code == -signal.SIGKILL:
        mend = "Give it fewer cells (--cells), or a machine with more memory."
        return UserError(f"{method} was killed.", "Most likely it needed more memory than there is.", mend)
    why = "\n".join(story.strip().splitlines()[-_TOLD:])
    return UserError(f"{method} broke (exit code {code}).", why, "Please report this, or leave the method out.")


def main(folder: Path) -> int:
    """The child: every fold after the other, in one process."""
    out = sys.stdout
    spec = json.loads((folder / "task.json").read_text())
    task = Task(**{**spec, "folds": tuple(spec["folds"])})
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a library prints is no news
            facts = _work(task, folder, lambda text: print(text, file=out, flush=True))
    except UserError as error:
        (folder / "error.json").write_text(json.dumps(error.to_dict()))
        return 1
    (folder / "facts.json").write_text(json.dumps(facts))
    return 0


def _work(task: Task, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    from backend.evaluation.genes.bench.handed import REFERENCE, read_cells, read_view, write_imputed
    from backend.methods import registry
    from backend.methods.imputation import Imputer

    imputer = cast(Imputer, registry.method(task.method))
    config = registry.config_from(task.method, task.config)
    reference = read_cells(folder / REFERENCE)
    facts: dict[str, Any] = {"folds": {}, "start_mb": peak_mb()}
    for number in task.folds:
        say(f"fold {number}")
        view = read_view(folder / f"view-{number}.npz", reference)
        alone = AloneContext(task.seed, task.threads, folder / f"fit-{task.method}-{number}")
        alone.folder.mkdir(exist_ok=True)
        context = cast("RunContext", alone)
        started = time.perf_counter()
        fitted = imputer.fit(view, config, context)
        imputed = fitted.impute(view.target_genes, context)
        seconds = time.perf_counter() - started
        write_imputed(folder / f"{task.method}-{number}.npz", imputed)
        last = {name: value for name, value in alone.told.items() if value == value and abs(value) != float("inf")}
        facts["folds"][str(number)] = {
            "seconds": seconds, "stopped_at": fitted.stopped_at, "units": imputed.units, "last": last,
        }  # fmt: skip
    used = alone.__dict__.get("device", "cpu")
    return facts | {"peak_mb": peak_mb(), "device": used, "config": config.model_dump(mode="json")}


def peak_mb() -> float:
    """The most memory that this process has held. Linux's own high-water mark; `getrusage` counts, after a start from a
    larger process, that one's memory too, and is asked only where there is nothing better."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def _end_with_parent() -> None:
    sys.stdin.read()  # nothing is ever written: it ends when the parent does
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    raise SystemExit(main(Path(sys.argv[1])))
