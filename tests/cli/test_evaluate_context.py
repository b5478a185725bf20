"""`evaluate --track context`: what it writes, and that the places of test cells reach no method, whatever it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.cli import main
from backend.evaluation.context.learners import ALIASES, names
from backend.evaluation.splits import sides
from backend.methods.reference import mlp, scact
from tests.evaluation.genes.simulated_pair import SHARED, simulate, write_reference, write_tissue

SIGMA_UM = 50.0
SMALL = {
    "scxm": {"epochs": 1, "decoder_epochs": 1, "hidden": 16},
    "environs": {"networks": 1, "steps": 100},
}
"""Settings that make a training take a second. A method that is not here runs with its own."""
QUICK = ("own-expression", "type-mean", "knn", "ridge")


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RESITU_DEVICE", "cpu")
    monkeypatch.setattr(mlp, "STEPS", 25)
    monkeypatch.setattr(scact, "EPOCHS", 4)
    monkeypatch.setattr(scact, "WARM_UP", 1)


def tissue(path: Path) -> Path:
    """Stripes of types along y, so that both halves hold all of them."""
    made = simulate()
    return write_tissue(path, made.tissue, made.coordinates[:, ::-1])


def reference(path: Path) -> Path:
    return write_reference(path, simulate().reference)


def call(*arguments: object) -> int:
    return main(["evaluate", "--track", "context", *map(str, arguments)])


def run(file: Path, out: Path, *more: object, methods: tuple[str, ...] = QUICK) -> dict[str, Any]:
    given = [part for name in methods for key, value in SMALL.get(name, {}).items()
             for part in ("--set", f"{name}.{key}={value}")]  # fmt: skip
    panel = () if "--panel" in more else ("--panel", 12)
    radius = () if "--sigma" in more else ("--sigma", SIGMA_UM)
    assert call("--method", ",".join(methods), "--tissue", file, "--out", out, *panel, *radius, *given, *more) == 0
    return json.loads(out.read_text())


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert call(*arguments, "--json") == 1
    error = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["error"]
    return " ".join(error[part] for part in ("what", "why", "mend"))


def test_what_is_written_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tissue(tmp_path / "t.h5ad")
    made = run(file, tmp_path / "o.json", "--sigma", 50, "--sigma", 80, "--seed", 3, "--nulls", "--shift")
    drawn = np.random.default_rng(3).permutation(np.array(SHARED, dtype=object))[:12]
    assert made["panel_genes"] == sorted(drawn)
    assert (made["shared_genes"], made["buffer_um"], made["reference_cells"]) == (30, 150, None)
    for found in made["methods"].values():
        rows = found["genes"]
        assert sorted(row["gene"] for row in rows) == sorted(drawn)
        for name in ("pcc", "pcc_self_loop"):
            known = [row[name] for row in rows if row[name] is not None]
            assert found[f"median_{name}"] == pytest.approx(np.median(known))
            assert len(known) >= 11  # one gene is in every cell, and tells nothing
        assert found["seconds"] >= 0
        assert {"detection", "moran", "context_sd"} < set(rows[0])
        for ends in found["intervals"].values():
            assert ends[0] <= found["median_pcc"] <= ends[1]
    ridge, own = made["methods"]["ridge"], made["methods"]["own-expression"]
    assert ridge["median_pcc"] > 0.4 > own["median_pcc"]
    assert own["median_pcc_self_loop"] > own["median_pcc"]
    assert ridge["shift"]["median_pcc"] < ridge["median_pcc"]
    assert ridge["nulls"]["genes"]["median_pcc"] < ridge["median_pcc"] / 2  # a hundred cells of four types
    assert set(made["sweep"]) == {"50", "80"}
    assert made["methods"]["type-mean"]["median_pcc"] == made["sweep"]["50"]["methods"]["type-mean"]["median_pcc"]
    said = capsys.readouterr().out
    assert f"{ridge['median_pcc']:.3f}" in said
    assert made["verdict"] in said


def poison(path: Path, right: np.ndarray) -> Path:
    """The right half's cells change places among themselves, and all that a file may say of cells is noise."""
    made, rng = simulate(), np.random.default_rng(5)
    places = made.coordinates[:, ::-1].copy()
    places[right] = places[rng.permutation(right)]
    columns = {name: rng.integers(0, 4, len(places)).astype(str) for name in ("cell_type", "section", "sample")}
    return write_tissue(path, made.tissue, places, **columns, total_counts=rng.random(len(places)))


def test_places_of_test_cells_reach_no_method(tmp_path: Path) -> None:
    """The poison test (docs/methods.md), through the command, for every method there is: learnt on the left half, the
    answers for the right half are bit-identical and worth nothing; learnt on the poisoned half, they change."""
    methods = tuple(name for name in names() if name not in ALIASES)
    right = np.flatnonzero(sides(simulate().coordinates[:, ::-1], None, SIGMA_UM) == 1)
    files = {"honest": tissue(tmp_path / "t.h5ad"), "poisoned": poison(tmp_path / "p.h5ad", right)}
    loose = reference(tmp_path / "r.h5ad")
    made = {
        name: run(file, tmp_path / f"{name}.json", "--reference", loose, "--save", tmp_path / name, methods=methods)
        for name, file in files.items()
    }
    for method in methods:
        honest, poisoned = (made[name]["methods"][method] for name in files)
        assert "error" not in honest
        one, other = (np.load(tmp_path / name / method / "held-out-1.npz") for name in files)
        np.testing.assert_array_equal(one["rows"], right)
        assert one["values"].tobytes() == other["values"].tobytes(), method
        assert honest["halves"]["held-out-1"] != poisoned["halves"]["held-out-1"]
        assert abs(poisoned["halves"]["held-out-1"]) < 0.2
        back, changed = (np.load(tmp_path / name / method / "held-out-2.npz")["values"] for name in files)
        assert method == "own-expression" or back.tobytes() != changed.tobytes(), method


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--sigma", 900), "cannot be cut into two halves"),
        (("--panel", 4), "at least 5"),
        (("--method", "ridge,magic"), "'magic'"),
        (("--method", "ridge,ridge"), "twice"),
        (("--folds", 3), "--folds says nothing on the track context"),
        (("--set", "ridge.alpha=3"), "nothing to set"),
        (("--cells", 90), "each half needs 50"),
    ],
)
def test_what_cannot_be_done_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[object, ...], words: str
) -> None:
    file = tissue(tmp_path / "t.h5ad")
    method = () if "--method" in flags else ("--method", "ridge")
    assert words in error_of(capsys, *method, "--tissue", file, "--out", tmp_path / "o.json", *flags)
    assert not (tmp_path / "o.json").exists()


def test_imputation_still_needs_a_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--track", "unmeasured-gene", "--method", "knn", "--tissue", tissue(tmp_path / "t.h5ad"))
    assert "--reference" in error_of(capsys, *flags, "--out", tmp_path / "o.json")
