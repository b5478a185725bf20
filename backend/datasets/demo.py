"""Job handler: the built-in demo study, made by code and added by the same road as a user's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from backend.datasets import simulated
from backend.datasets.add import add
from backend.records import Answers, Role, StudyRecord
from backend.store import index

if TYPE_CHECKING:
    from backend.training.job import Job

STUDY_ID = "s-demo"
STUDY_NAME = "Demo tumour (simulated)"


@dataclass(frozen=True)
class _Part:
    role: Role
    name: str
    sample: simulated.Sample
    answers: Answers


def make(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: seed. Writes three files and their truth into the job's result, adds them, and creates the study."""
    demo = simulated.simulate(int(params["seed"]))
    tissue_answers = Answers(unit="um", species="human", section_column="section", type_column="cell_type", spots=False)
    parts = (
        _Part("tissue", "Tumour sections A and B (simulated)", demo.tissue, tissue_answers),
        _Part(
            "reference",
            "Dissociated tumour cells (simulated)",
            demo.reference,
            Answers(species="human", type_column="cell_type"),
        ),
        _Part("validation", "High-plex section C (simulated)", demo.validation, tissue_answers),
    )
    ids: dict[str, str] = {}
    for step, part in enumerate(parts):
        job.stage(f"adding {part.name}")
        path = job.result / f"simulated_{part.role}.h5ad"
        write_h5ad(part.sample, path, dissociated=part.role == "reference")
        truth_table(part.sample).to_parquet(job.result / f"truth_{part.role}.parquet")
        done = add(
            {
                "paths": [str(path)],
                "role": part.role,
                "name": part.name,
                "answers": part.answers.model_dump(),
                "simulated": True,
            },
            job,
        )
        ids[part.role] = str(done["dataset"])
        job.report(step + 1, len(parts))
    types = dict.fromkeys(ids.values(), "column")
    study = StudyRecord.model_validate({"id": STUDY_ID, "name": STUDY_NAME, "types": types, "simulated": True, **ids})
    index.put(study)
    return {"study": study.id, **ids}


def truth_table(sample: simulated.Sample) -> pd.DataFrame:
    """The truth of each cell: type, niche, exposures, and where it stood."""
    table = sample.truth.copy()
    table["x_um"], table["y_um"] = sample.coordinates_um.T
    table["section"] = sample.section
    return table


def write_h5ad(sample: simulated.Sample, path: Path, *, dissociated: bool) -> None:
    """Write what a user would bring: counts, types, and for a tissue sections and coordinates in um. No truth."""
    import anndata as ad

    prefix = "cell" if dissociated else "spatial"
    names = [f"{prefix}-{i:05d}" for i in range(sample.counts.shape[0])]
    obs = pd.DataFrame({"cell_type": sample.truth["type"].to_numpy()}, index=names)
    if not dissociated:
        obs["section"] = sample.section
    data = ad.AnnData(X=sample.counts, obs=obs, var=pd.DataFrame(index=list(sample.genes)))
    if not dissociated:
        data.obsm["spatial"] = sample.coordinates_um
    data.uns["simulated"] = True
    data.write_h5ad(path, compression="gzip")
