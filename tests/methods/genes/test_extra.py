"""Other people's packages: refused in words where they are missing, and handed what they should get."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from backend.errors import DataError, UserError
from backend.methods import registry
from tests.methods.genes.small_pair import INPUTS, TARGETS, Run, view, with_reference


@pytest.mark.parametrize(("name", "module"), [("tangram", "tangram"), ("gimvi", "scvi")])
def test_a_missing_package_is_missed_in_words(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"pip install -r requirements-extra\.txt") as caught:
        registry.method(name).fit(view()[0], registry.config_from(name, {}), Run())  # type: ignore[arg-type]
    assert str(registry.card(name).extra) in caught.value.what


def test_gimvi_needs_counts() -> None:
    seen, _ = view()
    logged = with_reference(seen, np.log1p(seen.reference.expression.toarray()), "log")
    with pytest.raises(DataError, match="the reference holds log values") as caught:
        registry.method("gimvi").fit(logged, registry.config_from("gimvi", {}), Run())  # type: ignore[arg-type]
    assert "raw counts" in caught.value.mend


def test_tangram_reads_expression_off_its_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that lays reference cell i into tissue cell i."""
    seen, _ = view()
    values = seen.reference.expression.toarray()
    values[:, 3] = 0
    seen = with_reference(seen, values)
    told: dict[str, object] = {}

    def preprocess(reference: object, tissue: object, gene_to_lowercase: bool) -> None:
        told["genes"], told["lower"] = list(tissue.var_names), gene_to_lowercase  # type: ignore[attr-defined]
        reference.uns["training_genes"] = told["genes"]  # type: ignore[attr-defined]

    def mapped(reference: object, tissue: object, **settings: object) -> SimpleNamespace:
        told.update(settings, drawn=np.random.random())
        return SimpleNamespace(X=np.eye(reference.n_obs, tissue.n_obs))  # type: ignore[attr-defined]

    fake = ModuleType("tangram")
    fake.pp_adatas, fake.map_cells_to_space = preprocess, mapped  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tangram", fake)
    np.random.seed(3)
    fitted = registry.method("tangram").fit(seen, registry.config_from("tangram", {"epochs": 7}), Run())  # type: ignore[arg-type]
    after, drawn = np.random.random(), told["drawn"]
    imputed = fitted.impute(TARGETS[:2], Run()).values  # type: ignore[attr-defined]
    by_hand = np.log1p(values[:, 24:26] / values.sum(axis=1, keepdims=True) * 1e4)
    np.testing.assert_allclose(imputed[:120], by_hand, rtol=1e-4)
    assert not imputed[120:].any()
    assert told["genes"] == [gene for gene in INPUTS if gene != "IN03"]
    assert (told["num_epochs"], told["mode"], told["lower"], told["random_state"]) == (7, "cells", False, 1)
    np.random.seed(3)
    assert np.random.random() == after  # the global state is as it was
    assert drawn != after


@pytest.mark.parametrize("name", ["tangram", "gimvi"])
def test_the_real_package(name: str) -> None:
    if importlib.util.find_spec({"tangram": "tangram", "gimvi": "scvi"}[name]) is None:
        pytest.skip("requirements-extra.txt is not installed")
    seen, _ = view()
    config = registry.config_from(name, {"epochs": 3})
    first, again = (registry.method(name).fit(seen, config, Run()).impute(TARGETS, Run()) for _ in range(2))  # type: ignore[arg-type, attr-defined]
    assert first.values.shape == (150, len(TARGETS))
    assert np.isfinite(first.values).all()
    np.testing.assert_array_equal(first.values, again.values)
