from __future__ import annotations

from pathlib import Path

import pytest

from backend.evaluation import context_track
from backend.evaluation.context_track import COMPARATORS
from backend.methods import registry
from tests.evaluation.small_study import SmallJob
from tests.evaluation.tiny_method import METHOD, Tiny


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, the tiny method among the others, and only the quick comparators."""
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "CARDS", {**registry.CARDS, "tiny": METHOD.card})
    monkeypatch.setattr(
        registry, "_IMPLEMENTATIONS", {**registry._IMPLEMENTATIONS, "tiny": "tests.evaluation.tiny_method:METHOD"}
    )
    quick = {name: COMPARATORS[name] for name in ("own-expression", "ridge")}
    monkeypatch.setattr(context_track, "COMPARATORS", quick)
    Tiny.fits = 0
    return tmp_path / "home"


@pytest.fixture
def every_comparator(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_track, "COMPARATORS", COMPARATORS)


@pytest.fixture
def job(home: Path) -> SmallJob:
    return SmallJob(home / "jobs" / "tiny-run")
