from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.desk import Desk


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "result").mkdir()
    return Desk(tmp_path / "result")
