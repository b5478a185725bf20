from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backend.errors import Stopped, UserError
from backend.evaluation.imputed.run import train
from backend.methods import registry
from backend.records import RunRecord
from backend.store.arrays import read_columns
from backend.store.layout import read_json
from tests.evaluation.imputed.small_pair import ALONE, MISSING, N_TISSUE, SHARED, make_pair, make_run, write_pair
from tests.evaluation.small_study import SmallJob


def params(run: RunRecord) -> dict[str, object]:
    return run.model_dump(mode="json", exclude={"created", "owner"})


def test_a_run_leaves_what_the_pages_read(job: SmallJob) -> None:
    write_pair()
    brief = train(params(make_run("spage")), job)
    assert "stopped_at" not in brief
    genes = pd.read_parquet(job.result / "genes.parquet").set_index("gene")
    assert list(genes.index) == [*SHARED, *MISSING]  # nothing that the reference lacks or hardly shows
    assert genes["measured"].tolist() == [True] * 40 + [False] * 12
    assert genes.loc[list(SHARED), "score"].notna().all()
    assert genes.loc[list(MISSING), "score"].isna().all()
    assert set(genes["verdict"]) <= {"figure", "supplement", "no"}
    assert (genes["reasons"] != "").all()
    follows, noise = genes.loc[list(SHARED[::2])], genes.loc[list(SHARED[1::2])]
    assert follows["score"].median() > 0.25 > noise["score"].median()
    assert (noise["verdict"] == "no").mean() > 0.7 > (follows["verdict"] == "no").mean()
    assert (genes.loc[list(SHARED), "verdict"] != "figure").all()  # kinds are all there is: nothing beyond the type
    scores = pd.read_parquet(job.result / "scores.parquet")
    assert set(scores["method"]) == {"spage", "own-total", "knn"}
    assert set(scores["level"]) >= {"cell", "bin", "type"}
    assert not scores.duplicated(["gene", "method", "level"]).any()
    own = scores[(scores["method"] == "spage") & (scores["level"] == "cell")].set_index("gene")["pcc"]
    assert brief["mean"] == pytest.approx(own.mean())
    values, names = read_columns(job.result / "held_out_d-tissue.zarr")
    assert names == SHARED
    assert values.shape == (N_TISSUE, 40)
    truth = np.log1p(make_pair()[0]["counts"][:, 0])
    assert np.corrcoef(values[:, 0], truth)[0, 1] == pytest.approx(own["S00"], abs=0.1)
    beyond, names = read_columns(job.result / "imputed_d-tissue.zarr")
    assert names == MISSING
    assert np.isfinite(beyond).all()
    summary = read_json(job.result / "summary.json")
    assert summary["verdict"] == brief["verdict"]
    assert "Own total" in summary["verdict"] or "Nearest cells" in summary["verdict"]
    assert sum(summary["verdicts"]["measured"].values()) == 40
    cells = pd.read_parquet(job.result / "cells.parquet")
    assert set(cells["type"]) == {"kind 0", "kind 1", "kind 2", "kind 3"}
    assert {"depth_genes-1", "depth_final", "block", "niche"} <= set(cells)
    assert ALONE[0] not in genes.index


def test_a_killed_run_does_not_redo_folds_and_ends_the_same(home, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pair()
    run = make_run("spage")
    undisturbed, killed = SmallJob(home / "jobs" / "one"), SmallJob(home / "jobs" / "two")
    train(params(run), undisturbed)
    counted: list[str] = []
    imputer = registry.method("spage")
    learn = type(imputer).fit
    monkeypatch.setattr(type(imputer), "fit", lambda self, *rest: counted.append(self.card.name) or learn(self, *rest))

    def kill(text: str) -> None:
        if "fold 3" in text and "training" in text:
            raise Stopped

    killed.on_stage = kill
    with pytest.raises(Stopped):
        train(params(run), killed)
    assert counted.count("spage") == 2
    killed.on_stage = lambda text: None
    counted.clear()
    train(params(run), killed)
    assert counted.count("spage") == 4  # three folds and the final fit
    for name in ("genes", "scores", "cells", "relatives"):
        one, other = (pd.read_parquet(each.result / f"{name}.parquet") for each in (undisturbed, killed))
        pd.testing.assert_frame_equal(one, other)
    assert read_json(undisturbed.result / "intervals.json") == read_json(killed.result / "intervals.json")


def test_hidden_genes_have_no_say_in_how_they_are_imputed(home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The genes of the first fold become random numbers in the tissue, and so does what its cells are said to be."""
    write_pair()
    run = make_run("spage")
    clean = SmallJob(home / "jobs" / "clean")
    train(params(run), clean)
    genes = pd.read_parquet(clean.result / "genes.parquet")
    hidden = genes.loc[genes["fold"] == "genes-1", "gene"].tolist()
    rng = np.random.default_rng(9)
    tissue = make_pair()[0]
    counts = tissue["counts"].copy()
    for gene in (*hidden, *ALONE):
        counts[:, tissue["genes"].index(gene)] = rng.poisson(5.0, N_TISSUE)
    monkeypatch.setenv("RESITU_HOME", str(home / "another"))
    write_pair(counts=counts, obs={"type": rng.choice(["a", "b"], N_TISSUE)})
    make_run("spage")
    poisoned = SmallJob(home / "another" / "jobs" / "poisoned")
    train(params(run), poisoned)
    one, names = read_columns(clean.result / "held_out_d-tissue.zarr")
    other, _ = read_columns(poisoned.result / "held_out_d-tissue.zarr")
    own = [names.index(gene) for gene in hidden]
    np.testing.assert_array_equal(one[:, own], other[:, own])
    assert not np.array_equal(np.delete(one, own, axis=1), np.delete(other, own, axis=1))


def test_told_to_stop_it_keeps_complete_folds_and_without_two_says_so(home) -> None:
    write_pair()
    run = make_run("spage")
    job = SmallJob(home / "jobs" / "stopped")
    seen: list[str] = []
    job.on_stage = lambda text: seen.append(text)
    job.should_stop = lambda: any("fold 3" in text for text in seen)  # type: ignore[method-assign]
    brief = train(params(run), job)
    assert "stopped_at" in brief
    genes = pd.read_parquet(job.result / "genes.parquet")
    assert len(genes) == 24
    assert genes["measured"].all()
    assert read_json(job.result / "summary.json")["stopped"] is True
    assert np.isfinite(read_columns(job.result / "held_out_d-tissue.zarr")[0]).all()


def test_a_training_that_gave_up_by_itself_is_used_and_told(job: SmallJob, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pair()
    kind = type(registry.method("spage"))
    learn = kind.fit

    def fit(self, view, *rest):
        fitted = learn(self, view, *rest)
        fitted.stopped_at = 7 if self.card.name == "spage" and SHARED[0] in view.target_genes else None
        return fitted

    monkeypatch.setattr(kind, "fit", fit)
    assert "stopped_at" not in train(params(make_run("spage")), job)
    summary = read_json(job.result / "summary.json")
    assert len(summary["warnings"]) == 1
    assert "gave up at step 7" in summary["warnings"][0]
    assert summary["n_shared"] == 40


def test_an_unseen_region_is_scored_where_it_was_not_seen(job: SmallJob) -> None:
    write_pair()
    train(params(make_run("knn", split="blocks")), job)
    values, names = read_columns(job.result / "held_out_d-tissue.zarr")
    known = np.isfinite(values)
    assert names == SHARED
    assert 0.1 < known.mean() < 0.3
    assert not (job.result / "imputed_d-tissue.zarr").exists()
    genes = pd.read_parquet(job.result / "genes.parquet")
    assert genes["measured"].all()
    assert genes.loc[genes["gene"].isin(SHARED[::2]), "score"].median() > 0.25


def test_another_version_of_the_method_is_not_run(job: SmallJob) -> None:
    write_pair()
    run = make_run("spage").model_copy(update={"version": 99})
    with pytest.raises(UserError, match="version 99"):
        train(params(run), job)
