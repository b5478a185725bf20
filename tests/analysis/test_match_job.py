"""A tissue of five types against atlases that hold all of them, lack one, or are of another organ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from backend.analysis.match_job import match
from backend.datasets.naming.found import TRANSFER_VERSION
from backend.errors import DataError, GeneMismatch
from backend.records import DatasetRecord, JobState, JobStatus
from backend.store import index, keys, layout
from tests.analysis.test_match import N_GENES, TYPES, make
from tests.evaluation.small_study import SmallJob, write_dataset

PANEL = tuple(f"G{i:02d}" for i in range(N_GENES))
PER_TYPE = 60
HUMAN = ("CD3E", "EPCAM", "MS4A1", "ACTA2", "KRT8", "CXCR4", "GAPDH", "MYC", "TP53", "PECAM1", "LYZ", "NKG7", "VWF")


def written(name: str, role: str, genes: tuple[str, ...] = PANEL, **given: Any) -> DatasetRecord:
    """types, seed, bias, depth: of the cells. obs: further columns. The rest goes into the record."""
    made = {key: given.pop(key) for key in ("types", "bias", "depth") if key in given}
    cells, labels = make(given.pop("seed", 0), per_type=PER_TYPE, **made)
    kept = [PANEL.index(gene) if gene in PANEL else place for place, gene in enumerate(genes)]
    data: dict[str, Any] = {"counts": csr_matrix(cells.expression[:, kept]), "genes": genes}
    data["obs"] = {"type": pd.Categorical(labels), **given.pop("obs", {})}
    if role == "tissue":
        rng = np.random.default_rng(1)
        data |= {"xy": rng.uniform(0, 500, (len(labels), 2)).astype(np.float32), "section": np.full(len(labels), "S")}
    return write_dataset(name, role, data, has_types=True, **given)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path))
    return tmp_path


def done(home: Path, name: str = "match-1", **changes: Any) -> tuple[dict[str, Any], SmallJob]:
    job = SmallJob(home / "jobs" / name)
    params = {"tissue": "d-tissue", "reference": "d-atlas", "tissue_types": "column", "reference_types": "column"}
    return match({**params, **changes}, job), job


def table(job: SmallJob, name: str) -> pd.DataFrame:
    return pd.read_parquet(job.result / f"{name}.parquet")


def test_an_atlas_of_all_types_fits(home: Path) -> None:
    written("tissue", "tissue", bias=0.4, depth=0.5)
    written("atlas", "reference", seed=1, depth=2.0)
    facts, job = done(home)
    assert facts["verdict"] == "fits"
    assert facts["fit"] > 75
    assert facts["counterpart"] == 1.0
    assert (facts["shared"], facts["panel"], facts["lacking"]) == (60, 60, [])
    assert facts["depth"]["reference"] == pytest.approx(4 * facts["depth"]["tissue"], rel=0.5)
    types = table(job, "types")
    assert (types["type"] == types["nearest"]).all()
    assert (types["markers"] == types["present"]).all()
    assert set(table(job, "atlas_types")["type"]) == set(TYPES)
    assert table(job, "atlas_types")["f1"].min() > 0.9


def test_the_type_that_the_atlas_lacks_is_told_with_its_cells(home: Path) -> None:
    written("tissue", "tissue", bias=0.4, depth=0.5)
    written("atlas", "reference", seed=1, types=tuple(name for name in TYPES if name != "tumour"))
    facts, job = done(home)
    assert [gone["type"] for gone in facts["no_counterpart"]] == ["tumour"]
    assert facts["no_counterpart"][0]["distance"] > 1
    assert facts["counterpart"] == pytest.approx(0.8)
    cells = table(job, "cells")
    assert cells["cell"].tolist() == [f"tissue-{i}" for i in range(5 * PER_TYPE)]
    assert (cells["counterpart"] == (cells["type"] != "tumour")).all()


def test_genes_that_the_atlas_lacks_are_named_and_counted_against_their_types(home: Path) -> None:
    written("tissue", "tissue")
    written("atlas", "reference", seed=1, genes=PANEL[6:])
    facts, job = done(home)
    assert facts["lacking"] == list(PANEL[:6])
    types = table(job, "types").set_index("type")
    assert types.loc["B cell", "present"] == types.loc["B cell", "markers"] - 6
    assert set(types.loc["B cell", "absent_genes"].split(", ")) == set(PANEL[:6])
    assert types.loc["vessel", "present"] == types.loc["vessel", "markers"]


def test_an_atlas_of_other_cells_looks_like_another_organ(home: Path) -> None:
    written("tissue", "tissue", types=("B cell", "T cell", "mast"))
    written("atlas", "reference", seed=1, types=("tumour", "vessel"))
    facts, _ = done(home)
    assert facts["verdict"] == "does not fit"
    assert any("another organ or species" in warning for warning in facts["warnings"])


def test_the_organs_of_both_files_are_compared_where_both_say_one(home: Path) -> None:
    n = 5 * PER_TYPE
    written("tissue", "tissue", obs={"tissue": ["Brain"] * n})
    written("atlas", "reference", seed=1, obs={"organ": ["lung"] * n})
    facts, _ = done(home)
    assert facts["organs"] == {"tissue": ["brain"], "atlas": ["lung"]}
    assert facts["verdict"] == "fits in part"


def test_an_organ_that_is_part_of_the_other_word_is_the_same(home: Path) -> None:
    n = 5 * PER_TYPE
    written("tissue", "tissue", obs={"tissue": ["lung"] * n})
    written("atlas", "reference", seed=1, obs={"tissue": ["upper lobe of left lung"] * n})
    assert done(home)[0]["organs"] == {}


def test_without_names_of_its_own_the_tissue_is_grouped_and_groups_are_called_by_markers(home: Path) -> None:
    written("tissue", "tissue", bias=0.4)
    written("atlas", "reference", seed=1, types=tuple(name for name in TYPES if name != "mast"))
    facts, job = done(home, tissue_types="groups")
    assert facts["grouped"]
    cells, truth = table(job, "cells"), np.repeat(TYPES, PER_TYPE)
    assert np.mean(cells["counterpart"].to_numpy() == (truth != "mast")) > 0.95
    assert all(name.startswith("group ") and "(G" in name for name in table(job, "types")["type"])


def test_the_transfer_of_a_finished_job_is_read_instead_of_made_again(home: Path) -> None:
    written("tissue", "tissue")
    written("atlas", "reference", seed=1)
    asked = {"dataset": "d-tissue", "how": "transfer", "reference": "d-atlas", "version": TRANSFER_VERSION}
    job_id = keys.job_id("annotate", asked)
    folder = layout.result_folder(job_id)
    folder.mkdir(parents=True)
    names = pd.DataFrame({"cell": [f"tissue-{i}" for i in range(300)], "type": "T cell", "probability": 0.9})
    names["type"] = ["unsure"] * 150 + ["T cell"] * 150
    names.assign(group=["g1"] * 60 + ["g2"] * 240).to_parquet(folder / "types.parquet")
    lost = {"source": "Transferred.", "no_counterpart": [{"group": "g1"}]}
    index.put(JobStatus(id=job_id, kind="annotate", params=asked, state=JobState.SUCCEEDED, result=lost))
    facts, job = done(home)
    assert facts["parts"]["names"] == 0.5
    assert facts["doubtful"] == ["B cell"]  # its profile is known, its cells are not
    assert table(job, "cells")["counterpart"].all()


def test_cells_of_the_atlas_without_a_name_are_no_type_of_it(home: Path) -> None:
    written("tissue", "tissue", bias=0.4, depth=0.5)
    written("atlas", "reference", seed=1)
    folder = layout.result_folder("annotate-atlas")
    folder.mkdir(parents=True)
    names = np.repeat(np.array(TYPES, dtype=object), PER_TYPE)
    names[names == "mast"] = "unsure"
    names[:10] = "unknown"
    table_ = pd.DataFrame({"cell": [f"atlas-{i}" for i in range(300)], "type": names, "probability": 0.9})
    table_.to_parquet(folder / "types.parquet")
    index.put(JobStatus(
        id="annotate-atlas", kind="annotate", params={"dataset": "d-atlas", "how": "markers"},
        state=JobState.SUCCEEDED, result={"source": "By markers."},
    ))  # fmt: skip
    facts, job = done(home, reference_types="annotate-atlas")
    assert set(table(job, "atlas_types")["type"]) == set(TYPES) - {"mast"}
    assert [gone["type"] for gone in facts["no_counterpart"]] == ["mast"]
    assert facts["atlas_type_count"] == 4


def test_another_species_is_matched_by_orthologues_and_said(home: Path) -> None:
    mouse = tuple(name.capitalize() for name in HUMAN)
    written("tissue", "tissue", genes=mouse, species="mouse")
    written("atlas", "reference", seed=1, genes=HUMAN)
    facts, _ = done(home)
    assert 5 <= facts["shared"] <= len(HUMAN)
    assert any("The tissue is mouse, the atlas human" in warning for warning in facts["warnings"])


def test_too_few_shared_genes_are_refused(home: Path) -> None:
    written("tissue", "tissue")
    written("atlas", "reference", seed=1, genes=("A", "B", *PANEL[:3]))
    with pytest.raises(GeneMismatch, match="share 3 genes"):
        done(home)


def test_too_few_cells_to_compare_are_told_by_the_types_they_make(home: Path) -> None:
    written("tissue", "tissue", types=TYPES[:1])
    written("atlas", "reference", seed=1)
    with pytest.raises(DataError, match=r"Tissue has 1 type with at least 10 cells, Atlas 5 types with"):
        done(home)


def test_the_same_question_has_the_same_answer(home: Path) -> None:
    written("tissue", "tissue")
    written("atlas", "reference", seed=1)
    first, second = done(home), done(home, "match-2")
    assert first[0] == second[0]
    pd.testing.assert_frame_equal(table(first[1], "types"), table(second[1], "types"))
