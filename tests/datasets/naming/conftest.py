from __future__ import annotations

from pathlib import Path

import pytest

from backend.records import DatasetRecord
from tests.datasets.desk import Desk
from tests.datasets.naming.small_tissue import tissue as make_tissue


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def tissue(home: Path) -> DatasetRecord:
    return make_tissue()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "desk").mkdir()
    return Desk(tmp_path / "desk")
