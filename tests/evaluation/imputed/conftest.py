from __future__ import annotations

import pytest

from backend.evaluation.imputed import fits
from tests.evaluation.small_study import SmallJob


@pytest.fixture(autouse=True)
def quick_comparators(home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "COMPARATORS", {"unmeasured-gene": ("own-total", "knn"), "unseen-region": ("gene-mean",)})


@pytest.fixture
def job(home) -> SmallJob:
    return SmallJob(home / "jobs" / "spage-small")
