"""One imputation of a small simulated pair, trained once for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backend import api
from backend.evaluation.imputed import fits
from backend.records import StudyRecord
from tests.evaluation.imputed.small_pair import write_pair


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A data root with a study "small" and two finished runs, knn and spage."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("imputed") / "home"
        patch.setenv("RESITU_HOME", str(root))
        patch.setattr(fits, "COMPARATORS", {"unmeasured-gene": ("own-total",), "unseen-region": ()})
        tissue, reference = write_pair()
        study = api.create_study("small", tissue.id, reference.id)
        ids = {"study": study.id}
        for method in ("knn", "spage"):
            ids[method] = run_here(api.start_run(study.id, method, {}).id)
        return root, ids


def run_here(run_id: str) -> str:
    """Do a queued job in this process, as a worker's child would."""
    from backend.evaluation.imputed.run import train
    from backend.records import JobState, JobStatus
    from backend.store import index, layout
    from tests.evaluation.small_study import SmallJob

    job = index.get(JobStatus, run_id)
    result = train(job.params, SmallJob(layout.job_folder(run_id)))
    done = {"state": JobState.SUCCEEDED, "result": result}
    index.update(JobStatus, run_id, lambda old: old.model_copy(update=done))
    return run_id


@pytest.fixture
def small(trained: tuple[Path, dict[str, str]], home: Path) -> dict[str, str]:
    """The trained root, copied: a test may change it."""
    shutil.copytree(trained[0], home, dirs_exist_ok=True)
    return trained[1]


@pytest.fixture
def study(small: dict[str, str]) -> StudyRecord:
    return api.study(small["study"])
