from __future__ import annotations

from pathlib import Path

import pytest

from backend.records import JobStatus
from tests.analysis.put_back.finished import Finished, run_job, write_run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def put(home: Path) -> tuple[Finished, JobStatus]:
    """The run and its finished job; tests only read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESITU_HOME", str(home))
        finished = write_run()
        return finished, run_job(finished, home)
