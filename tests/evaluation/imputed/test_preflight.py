from __future__ import annotations

from dataclasses import replace

import pytest

from backend.errors import UserError
from backend.evaluation.imputed import opened, preflight
from backend.evaluation.imputed.preflight import look_ahead
from backend.methods import registry
from backend.store import index
from tests.evaluation.imputed.small_pair import MISSING, write_pair


def ahead(method: str = "knn", track: str = "unmeasured-gene"):
    return look_ahead(method, registry.config_from(method, {}), "d-tissue", "d-reference", None, track)


def test_it_says_what_will_be_imputed_and_what_not() -> None:
    write_pair()
    said = ahead()
    assert said.shared_genes == 40
    assert said.input_genes == 32
    assert f"the expression of {len(MISSING)} genes that its panel lacks" in said.answers
    assert any("1 genes that the panel lacks are not imputed" in line for line in said.dropped)
    assert any("1 of the tissue's 41 genes" in line for line in said.dropped)
    assert any("Only 40 genes" in line for line in said.warnings)
    assert said.minutes > 0
    assert said.memory_gb > 0
    assert "Own total" in said.split


def test_an_unseen_region_imputes_no_new_gene() -> None:
    write_pair()
    said = ahead(track="unseen-region")
    assert "40 measured genes" in said.answers
    assert "tiles" in said.split


def test_where_not_all_genes_fit_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    write_pair()
    monkeypatch.setattr(preflight, "MOST_VALUES", 5 * 360)
    assert any("7 more are left out" in line for line in ahead().dropped)
    assert opened.MOST_VALUES > 5 * 360


def test_a_method_that_needs_counts_or_a_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _, reference = write_pair()
    index.put(reference.model_copy(update={"scale": "log"}))
    assert any("does not hold counts" in line for line in ahead().warnings)
    cards = dict(registry.CARDS)
    monkeypatch.setattr(registry, "CARDS", {**cards, "knn": replace(cards["knn"], needs_counts=True)})
    with pytest.raises(UserError, match="reads counts, and Reference holds none"):
        ahead()
    monkeypatch.setattr(registry, "CARDS", {**cards, "knn": replace(cards["knn"], extra="no-such-package")})
    with pytest.raises(UserError, match="no-such-package"):
        ahead()
