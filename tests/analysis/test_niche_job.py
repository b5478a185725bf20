from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from backend.analysis import niche_job
from backend.errors import NotFound, UserError
from backend.store import layout
from backend.store.arrays import write_columns
from tests.analysis.conftest import PANEL, Finished
from tests.evaluation.small_study import SmallJob


def params(finished: Finished, **changes: Any) -> dict[str, Any]:
    base = {"run": finished.run, "dataset": finished.dataset, "types": "column", "type": "T cell", "gene": "GENE00"}
    return {**base, "threshold": None, **changes}


def test_the_planted_gene_is_found_and_the_split_agrees_with_the_measured(
    finished: Finished, small_job: SmallJob
) -> None:
    facts = niche_job.find(params(finished), small_job)
    table = pd.read_parquet(small_job.result / "table.parquet")
    assert table.loc[0, "gene"] == "GENE05"
    assert table.loc[0, "log2_fc"] > 1
    assert facts["clustered"] == facts["isolated"] == 60
    assert 0.2 < facts["threshold"] < 0.4
    assert facts["agreement"]["auroc"] > 0.95 > facts["agreement"]["chance_high"]
    assert facts["null"]["expected"] < 1 <= facts["null"]["beyond"]
    assert facts == layout.read_json(small_job.result / "facts.json")


def test_cells_of_the_type_only_with_their_group(finished: Finished, small_job: SmallJob) -> None:
    niche_job.find(params(finished), small_job)
    cells = pd.read_parquet(small_job.result / "cells.parquet")
    assert cells["cell"].tolist() == [f"validation-{i}" for i in range(120)]
    assert ((cells["group"] == "clustered").to_numpy() == finished.niche[:120]).all()
    assert cells["measured"].notna().all()


def test_the_circularity_is_always_said_and_genes_that_the_model_read_are_marked(
    finished: Finished, small_job: SmallJob
) -> None:
    facts = niche_job.find(params(finished), small_job)
    table = pd.read_parquet(small_job.result / "table.parquet").set_index("gene")
    assert "by construction" in facts["warnings"][0]
    assert table.loc[["GENE05", "GENE25"], "read_by_model"].tolist() == [True, False]
    assert facts["not_read"] == 10


def test_a_split_that_finds_no_more_than_other_genes_do_is_said(finished: Finished, small_job: SmallJob) -> None:
    facts = niche_job.find(params(finished, gene="GENE01"), small_job)
    assert facts["null"]["others"] == 2
    assert any("not particular to GENE01" in warning for warning in facts["warnings"])


def test_the_same_question_has_the_same_answer(finished: Finished, small_job: SmallJob) -> None:
    again = SmallJob(finished.home / "jobs" / "niche-2")
    assert niche_job.find(params(finished), small_job) == niche_job.find(params(finished), again)
    for name in ("table.parquet", "cells.parquet"):
        left, right = (pd.read_parquet(job.result / name) for job in (small_job, again))
        pd.testing.assert_frame_equal(left, right)


def test_without_a_measured_context_nothing_is_claimed(finished: Finished, small_job: SmallJob) -> None:
    facts = niche_job.find(params(finished, dataset="d-reference"), small_job)
    assert "agreement" not in facts
    assert pd.read_parquet(small_job.result / "cells.parquet")["measured"].isna().all()


def test_types_of_an_annotation_are_used_by_cell_id(finished: Finished, small_job: SmallJob) -> None:
    folder = layout.result_folder("annotate-1")
    folder.mkdir(parents=True)
    cells = [f"validation-{i}" for i in range(160)][::-1]
    pd.DataFrame({"cell": cells, "type": pd.Categorical(["mine"] * 100 + ["other"] * 60)}).to_parquet(
        folder / "types.parquet"
    )
    facts = niche_job.find(params(finished, types="annotate-1", type="mine"), small_job)
    assert facts["cells"] == 100
    assert pd.read_parquet(small_job.result / "cells.parquet")["cell"].iloc[0] == "validation-60"


def test_the_tissue_of_halves_uses_what_was_held_out(finished: Finished, small_job: SmallJob) -> None:
    values = np.full((160, 3), np.nan, dtype=np.float32)
    values[:80, 0] = np.linspace(0, 1, 80)
    write_columns(layout.result_folder(finished.run) / "held_out_d-tissue.zarr", values, PANEL)
    facts = niche_job.find(params(finished, dataset="d-tissue"), small_job)
    assert facts["cells"] == 80
    assert facts["predicted_by"] == "fits that did not see the cell"


def test_what_cannot_be_done_is_said(finished: Finished, small_job: SmallJob) -> None:
    with pytest.raises(UserError, match="Only 0 cells of type mast have a prediction"):
        niche_job.find(params(finished, type="mast"), small_job)
    with pytest.raises(NotFound, match="predicted nothing"):
        niche_job.find(params(finished, dataset="d-tissue"), small_job)
    with pytest.raises(NotFound, match="was not predicted"):
        niche_job.find(params(finished, gene="GENE29"), small_job)
