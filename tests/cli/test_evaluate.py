"""`evaluate`: what it writes, and that what is hidden reaches no method, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

from backend.cli import main
from backend.evaluation.genes.bench import alone
from backend.evaluation.genes.bench.evaluate import ALIASES, imputers
from backend.evaluation.genes.folds import gene_folds
from backend.evaluation.genes.metrics import SCORES
from backend.methods.contract import MethodCard
from tests.evaluation.genes.simulated_pair import SHARED, simulate, write_pair, write_reference, write_tissue

# Settings that make a training take a second. A method that is not here runs with its own.
SMALL: dict[str, dict[str, Any]] = {
    "spagene": {"autoencoder_epochs": 2, "epochs": 2, "batch_size": 64},
    "casper": {"epochs": 3, "batch_size": 64, "width": 32, "hidden": 32},
    "quorum": {"trials": 2, "components": 10},
    "mlp": {"steps": 20, "hidden": 16},
    "tangram": {"epochs": 10},
    "gimvi": {"epochs": 2},
}
NAMES = ("spage", "knn", "own-total", "gene-mean")


def at_hand(card: MethodCard) -> bool:
    try:
        return card.extra is None or bool(version(card.extra))
    except PackageNotFoundError:
        return False


METHODS = tuple(name for name, card in imputers().items() if at_hand(card) and name not in ALIASES)


@pytest.fixture(autouse=True)
def in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's own work, without the seconds that every start of a process takes (tests/.../test_alone.py does)."""

    def stay(threads: int, folder: Path, say: Callable[[str], None]) -> int:
        (folder / alone.STORY).touch()
        return alone.main(folder)

    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RESITU_DEVICE", "cpu")
    monkeypatch.setattr(alone, "launch", stay)


def call(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def run(tissue: Path, reference: Path, out: Path, *more: object, methods: tuple[str, ...] = NAMES) -> dict[str, Any]:
    given = [part for name in methods for key, value in SMALL.get(name, {}).items()
             for part in ("--set", f"{name}.{key}={value}")]  # fmt: skip
    files = ("--tissue", tissue, "--reference", reference, "--out", out)
    assert call("--method", ",".join(methods), *files, *given, *more) == 0
    return json.loads(out.read_text())


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, str]:
    capsys.readouterr()
    assert call(*arguments, "--json") == 1
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])["error"]


def test_what_is_written_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(*write_pair(tmp_path), tmp_path / "out.json")
    assert made["shared_genes"] == len(SHARED)
    assert {"python", "numpy", "torch"} <= set(made["versions"])
    assert made["threads"] >= 1
    for found in made["methods"].values():
        assert sorted(row["gene"] for row in found["genes"]) == list(SHARED)
        assert {row["fold"] for row in found["genes"]} == set(range(5))
        assert set(SCORES) < set(found["genes"][0])
        for name in ("pcc", "pcc_depth_partial", "srcc"):
            assert found[f"{name}_mean"] == pytest.approx(np.mean([row[name] for row in found["genes"]]))
        assert found["ssim_mean"] == pytest.approx(np.mean([row["ssim_li"] for row in found["genes"]]))
        assert found["seconds"] > 0
        assert found["peak_mb"] > 30
        assert (found["n"], found["excluded"]) == (240, 0)
        assert set(found["levels"]) == {"cell", "bin", "type", "niche"}
        for interval in (found["intervals"]["pcc_genes"], found["intervals"]["pcc_blocks"]):
            assert interval[0] <= found["pcc_mean"] <= interval[1]
    methods = made["methods"]
    assert methods["knn"]["pcc_mean"] > 0.3 > methods["own-total"]["pcc_mean"]
    assert methods["gene-mean"]["constant"] == len(SHARED)
    assert methods["own-total"]["pcc_depth_partial_mean"] == pytest.approx(0, abs=0.01)
    assert {(row["method"], row["other"]) for row in made["comparisons"]} >= {("spage", "knn"), ("knn", "own-total")}
    assert made["verdict"].startswith("SpaGE is ")
    said = capsys.readouterr().out
    assert made["verdict"] in said
    assert f"{methods['knn']['pcc_mean']:.4f}" in said


def poison(out: Path) -> Path:
    """The genes of fold 0 and all that is known of the cells, replaced by noise in the file. The noise is what is true
    of the genes in other cells, at the depth of their inputs: as likely as the truth, and worth nothing."""
    made, rng = simulate(), np.random.default_rng(99)
    hidden = [SHARED.index(gene) for gene in gene_folds(SHARED)[0].targets]
    depth = np.delete(made.tissue, hidden, axis=1).sum(axis=1, keepdims=True)
    made.tissue[:, hidden] = (made.tissue / depth)[rng.permutation(len(depth))][:, hidden] * depth
    columns = {name: rng.integers(0, 4, len(made.tissue)).astype(str) for name in ("cell_type", "section", "sample")}
    columns |= {name: rng.random(len(made.tissue)) for name in ("total_counts", "area", "leiden_score")}
    path = write_tissue(out, made.tissue, made.coordinates, **columns)
    data = anndata.read_h5ad(path)
    data.obsm["X_pca"] = data.obsm["X_umap"] = rng.normal(size=(len(made.tissue), 2))
    data.write_h5ad(path)
    return path


def test_what_is_hidden_reaches_no_method_and_shuffling_it_leaves_nothing(tmp_path: Path) -> None:
    """The poison test and the permutation test (docs/methods.md), through the command, for every method there is."""
    tissue, reference = write_pair(tmp_path)
    files = {"honest": tissue, "poisoned": poison(tmp_path / "poisoned.h5ad")}
    made = {
        name: run(file, reference, tmp_path / f"{name}.json", "--fold", 0, "--save", tmp_path / name, methods=METHODS)
        for name, file in files.items()
    }
    honest, poisoned = (made[name]["methods"] for name in files)
    for method in METHODS:
        assert "error" not in honest[method]
        one, other = (tmp_path / name / method for name in files)
        assert (one / "facts.json").read_bytes() == (other / "facts.json").read_bytes(), method
        with np.load(one / "fold-0.npz") as a, np.load(other / "fold-0.npz") as b:
            assert a.files == b.files
            assert all(a[part].tobytes() == b[part].tobytes() for part in a.files), method
        assert honest[method]["genes"] != poisoned[method]["genes"]
        assert abs(poisoned[method]["pcc_mean"]) < 0.08, method
    assert honest["knn"]["pcc_mean"] > 0.3


def test_the_region_track_hides_test_cells_only(tmp_path: Path) -> None:
    """Poisoning what is measured in the test cells changes no prediction; in the training cells it does."""
    made, rng = simulate(), np.random.default_rng(0)
    _, reference = write_pair(tmp_path)
    fold = gene_folds(SHARED)[0]
    hidden = [SHARED.index(gene) for gene in fold.targets]
    order = np.random.RandomState(42).permutation(240)
    methods = tuple(name for name in METHODS if "unseen-region" in imputers()[name].tracks)
    saved = []
    for number, rows in enumerate((order[:0], order[:48], order[48:])):
        values = made.tissue.copy()
        values[np.ix_(rows, hidden)] = rng.poisson(9, (len(rows), len(hidden)))
        tissue = write_tissue(tmp_path / f"{number}.h5ad", values, made.coordinates)
        where = ("--track", "unseen-region", "--split", "casper-seed42", "--fold", 0, "--save", tmp_path / str(number))
        found = run(tissue, reference, tmp_path / f"{number}.json", *where, methods=methods)
        saved.append({name: np.load(tmp_path / str(number) / name / "fold-0.npz")["values"] for name in methods})
        assert found["folds"][0]["cells_scored"] == 48
    for name in methods:
        np.testing.assert_array_equal(saved[0][name], saved[1][name])
        assert not np.array_equal(saved[0][name], saved[2][name])


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ("nothing-such", "no method 'nothing-such'"),
        ("scxm", "no method 'scxm' that imputes"),
        ("knn,knn", "given twice: knn, knn"),
        ("", "No method was named"),
    ],
)
def test_names_that_cannot_be_used_list_those_that_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, word: str
) -> None:
    files = ("--tissue", tmp_path / "no.h5ad", "--reference", tmp_path / "no.h5ad", "--out", tmp_path / "o.json")
    error = error_of(capsys, "--method", asked, *files)
    assert word in error["what"]
    assert "spage" in error["mend"]


def test_a_track_that_a_method_cannot_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("--tissue", tmp_path / "no.h5ad", "--reference", tmp_path / "no.h5ad", "--out", tmp_path / "o.json")
    error = error_of(capsys, "--method", "spage", *files, "--track", "unseen-region")
    assert "unseen-region" in error["what"]
    assert "ridge" in error["mend"]


def test_files_folders_and_settings_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tissue, reference = write_pair(tmp_path)
    files = ("--tissue", tissue, "--reference", reference, "--method", "knn")
    out = ("--out", tmp_path / "o.json")
    assert "no folder" in error_of(capsys, *files, "--out", tmp_path / "none/o.json")["what"]
    assert "no fold 7" in error_of(capsys, *files, *out, "--fold", 7)["what"]
    assert "neighbours is 0" in error_of(capsys, *files, *out, "--set", "knn.neighbours=0")["why"]
    assert "no method" in error_of(capsys, *files, *out, "--set", "spage.neighbours=9")["what"]
    missing = ("--tissue", tmp_path / "none.h5ad", *files[2:])
    assert error_of(capsys, *missing, *out)["mend"]


def test_two_shared_genes_are_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = simulate()
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue[:, :2], made.coordinates, genes=SHARED[:2])
    reference = write_reference(tmp_path / "r.h5ad", made.reference)
    files = ("--tissue", tissue, "--reference", reference, "--out", tmp_path / "o.json")
    assert "share 2 genes" in error_of(capsys, "--method", "knn", *files)["what"]


def test_a_fold_without_inputs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = simulate()
    made.tissue[:, [SHARED.index(gene) for gene in gene_folds(SHARED)[2].inputs]] = 0
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates)
    files = ("--tissue", tissue, "--reference", write_pair(tmp_path)[1], "--out", tmp_path / "o.json")
    error = error_of(capsys, "--method", "knn", *files, "--fold", 2)
    assert "leaves 0 cells" in error["what"]


def test_a_gene_that_does_not_vary_is_null_and_counted(tmp_path: Path) -> None:
    made = simulate()
    made.tissue[:, 3], made.reference[:, 5] = 0, 0
    tissue = write_tissue(tmp_path / "t.h5ad", made.tissue, made.coordinates)
    reference = write_reference(tmp_path / "r.h5ad", made.reference)
    found = run(tissue, reference, tmp_path / "o.json", methods=("knn", "spage"))["methods"]["knn"]
    rows = {row["gene"]: row for row in found["genes"]}
    assert rows[SHARED[3]]["pcc"] is None
    assert (rows[SHARED[5]]["pcc"], rows[SHARED[5]]["constant"]) == (0, True)
    assert (found["excluded"], found["constant"], found["genes_scored"]) == (1, 1, 29)


@pytest.mark.parametrize("kind", ["log", "normalised"])
def test_a_tissue_that_arrives_normalised_is_scored_with_a_warning(tmp_path: Path, kind: str) -> None:
    made = simulate()
    values = 1e4 * made.tissue / made.tissue.sum(axis=1, keepdims=True)
    tissue = write_tissue(tmp_path / "t.h5ad", np.log1p(values) if kind == "log" else values, made.coordinates)
    found = run(tissue, write_pair(tmp_path)[1], tmp_path / "o.json", "--fold", 0, methods=("knn",))
    assert found["methods"]["knn"]["pcc_mean"] > 0.3
    assert any("normalised it may have read the hidden genes" in text for text in found["warnings"])


@pytest.mark.parametrize("kind", ["one type", "twenty cells", "tpm", "log"])
def test_a_poor_reference_gives_numbers_or_words(tmp_path: Path, kind: str) -> None:
    made = simulate()
    tpm = 1e6 * made.reference / made.reference.sum(axis=1, keepdims=True)
    flat = np.random.default_rng(0).poisson(made.reference.mean(axis=0), made.reference.shape)
    values = {"one type": flat, "twenty cells": made.reference[:20], "tpm": tpm, "log": np.log1p(tpm / 100)}[kind]
    reference = write_reference(tmp_path / "r.h5ad", values.astype(np.float32))
    trained = set(SMALL) if kind in ("tpm", "log") else set()  # scales are read by what all methods share
    methods = tuple(name for name in METHODS if not imputers()[name].needs_counts and name not in trained)
    found = run(write_pair(tmp_path)[0], reference, tmp_path / "o.json", "--fold", 0, methods=methods)
    for name, part in found["methods"].items():
        assert part["pcc_mean"] is not None or part["error"]["mend"], name


class Diverging:
    """Gives numbers that are none."""

    def fit(self, view: Any, config: Any, run: Any) -> Any:
        from backend.methods.imputation import Imputed

        shape = (view.tissue.n_cells, len(view.target_genes))

        class Fitted:
            stopped_at = None

            def impute(self, genes: tuple[str, ...], run: Any) -> Imputed:
                return Imputed(np.full(shape, np.nan, dtype=np.float32), genes)

        return Fitted()


def test_a_method_that_diverges_is_said_and_the_others_are_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from backend.methods import registry

    real = registry.method
    monkeypatch.setattr(registry, "method", lambda name: Diverging() if name == "spage" else real(name))
    files = write_pair(tmp_path)
    made = run(*files, tmp_path / "o.json", methods=("spage", "knn"))
    assert "diverged" in made["methods"]["spage"]["error"]["why"]
    assert made["methods"]["spage"]["pcc_mean"] is None
    assert made["methods"]["knn"]["pcc_mean"] > 0.3
    assert "spage failed: " in capsys.readouterr().out
    alone_ = ("--method", "spage", "--tissue", files[0], "--reference", files[1], "--out", tmp_path / "p.json")
    assert "no finite number" in error_of(capsys, *alone_)["what"]
    assert not (tmp_path / "p.json").exists()


def test_counts_are_asked_for_where_a_method_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from backend.methods import registry

    cards = registry.cards()
    monkeypatch.setattr(registry, "cards", lambda: cards | {"knn": replace(cards["knn"], needs_counts=True)})
    made = simulate()
    reference = write_reference(tmp_path / "r.h5ad", np.log1p(made.reference / 3))
    files = ("--tissue", write_pair(tmp_path)[0], "--reference", reference, "--out", tmp_path / "o.json")
    error = error_of(capsys, "--method", "knn", *files)
    assert "cannot use this reference" in error["what"]
    assert "raw counts" in error["mend"]


def test_the_seed_is_the_methods_and_the_folds_stay(tmp_path: Path) -> None:
    files = write_pair(tmp_path)
    one, two = (
        run(*files, tmp_path / f"{seed}.json", "--seed", seed, "--fold", 1, methods=("mlp", "knn")) for seed in (0, 1)
    )
    genes = [[row["gene"] for row in made["methods"]["mlp"]["genes"]] for made in (one, two)]
    assert genes[0] == genes[1] == list(gene_folds(SHARED)[1].targets)
    assert one["methods"]["mlp"]["genes"] != two["methods"]["mlp"]["genes"]
    assert one["methods"]["knn"]["genes"] == two["methods"]["knn"]["genes"]


@pytest.mark.parametrize("truth", ["T2", "T3"])
def test_the_same_predictions_against_another_truth(tmp_path: Path, truth: str) -> None:
    files = write_pair(tmp_path)
    one = run(*files, tmp_path / "1.json", "--fold", 0, methods=("knn",))["methods"]["knn"]
    two = run(*files, tmp_path / "2.json", "--fold", 0, "--truth", truth, methods=("knn",))["methods"]["knn"]
    assert two["pcc_mean"] > 0.3
    assert two["pcc_mean"] != one["pcc_mean"]
    assert two["n"] == (48 if truth == "T3" else 240)
