"""A method in its own process: what it may see, what it costs, and how it may break."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path

import numpy as np
import pytest

from backend.errors import UserError
from backend.evaluation.genes.bench import alone
from backend.evaluation.genes.bench.alone import STORY, Task, launch, run_alone
from backend.evaluation.genes.bench.handed import REFERENCE, read_imputed, write_cells, write_view
from backend.evaluation.genes.source import cut_view
from tests.evaluation.genes.simulated_pair import SHARED, make_pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pair = make_pair()
    view = cut_view(pair, SHARED[:24], SHARED[24:]).view
    write_cells(tmp_path / REFERENCE, view.reference)
    write_view(tmp_path / "view-0.npz", view)
    return tmp_path


def run_script(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """A child that does something else than its task."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    monkeypatch.setattr(alone, "__name__", "script")
    monkeypatch.setattr(alone, "PROJECT", folder)


def test_a_real_child_leaves_its_prediction_and_what_it_cost(folder: Path) -> None:
    held = np.ones(30_000_000)  # 240 MB of this process must not be counted as the method's
    said: list[str] = []
    facts = run_alone(Task("knn", {"neighbours": 5}, 3, 1, (0,)), folder, said.append)
    assert said == ["fold 0"]
    assert read_imputed(folder / "knn-0.npz").values.shape == (240, 6)
    assert facts["folds"]["0"]["seconds"] > 0
    assert facts["config"]["neighbours"] == 5
    assert 30 < facts["start_mb"] <= facts["peak_mb"] < 240 + held[0]


def test_the_child_has_its_threads_fixed_and_nothing_of_the_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"import os, sys; print(*(os.environ[name] for name in {alone.THREADS}), *sys.argv[1:])"
    run_script(monkeypatch, folder, code)
    said: list[str] = []
    assert launch(3, folder, said.append) == 0
    assert said == [f"3 3 3 3 3 {folder}"]


def test_a_method_that_breaks_tells_its_last_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_script(monkeypatch, folder, "raise ZeroDivisionError('a defect')")
    with pytest.raises(UserError) as caught:
        run_alone(Task("knn", {}, 0, 1, (0,)), folder, print)
    assert "ZeroDivisionError: a defect" in caught.value.why
    assert caught.value.mend


def test_a_method_that_is_killed_is_told_from_one_that_breaks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_script(monkeypatch, folder, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(UserError, match="memory"):
        run_alone(Task("knn", {}, 0, 1, (0,)), folder, print)


def test_a_methods_own_words_arrive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"what": "It diverged.", "why": "The loss.", "mend": "A lower rate."}
    code = (
        f"import sys, pathlib; pathlib.Path(sys.argv[1], 'error.json').write_text({json.dumps(error)!r}); sys.exit(1)"
    )
    run_script(monkeypatch, folder, code)
    with pytest.raises(UserError) as caught:
        run_alone(Task("knn", {}, 0, 1, (0,)), folder, print)
    assert (caught.value.what, caught.value.why, caught.value.mend) == tuple(error.values())
    assert (folder / STORY).exists()


def test_a_child_does_not_outlive_whoever_stopped_listening(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_script(monkeypatch, folder, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    pids: list[int] = []

    def interrupt(text: str) -> None:
        pids.append(int(text))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(1, folder, interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
