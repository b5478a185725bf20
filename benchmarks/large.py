"""A study of 100,000 cells in each of its parts, a run by the real code, and what pages take to show it.

The cells are the demo's, laid side by side like tiles; only the panel's genes, so that all of it fits a small machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from backend import api
from backend.datasets.demo import write_h5ad
from backend.datasets.simulated import Sample, simulate
from backend.records import Answers, Role
from benchmarks.measured import Row, do_job, median_s

N_CELLS = 100_000
GAP_UM = 100.0
GENE, TYPE = "EPCAM", "Tumour"
# The encoder with attention maps, as small as it gets: what pages show is as large as after a long training.
SMALL = {"encoder": "transformer", "layers": 1, "token_width": 16, "max_tokens": 32, "epochs": 1, "decoder_epochs": 1}


@dataclass(frozen=True)
class Large:
    """study: whose validation tissue and reference have 100,000 cells. other: a tissue of as many, in no study.
    niches: one on the validation tissue, one on the reference."""

    study: str
    run: str
    validation: str
    reference: str
    other: str
    niches: tuple[str, str]
    enrichment: str
    prepared: str  # a study whose tissue and reference have 100,000 cells, named from each other and matched


def make(folder: Path) -> tuple[Large, list[Row]]:
    """Needs the demo. Adds the data, and computes everything that the pages then show."""
    demo = simulate(0)
    rows: list[Row] = []
    parts: dict[Role, str] = {}
    for role, sample in (("validation", demo.tissue), ("reference", demo.reference), ("tissue", demo.validation)):
        row, parts[role] = _add(_tile(sample, demo.tissue.genes), role, folder)  # type: ignore[index, arg-type]
        rows.append(row)
    small = next(record for record in api.datasets() if record.simulated and record.role == "tissue")
    study = api.create_study(f"{N_CELLS:,} cells", small.id, parts["reference"], parts["validation"]).id
    run = do_job(lambda: api.job(api.start_run(study, "scxm", SMALL).id))
    rows.append(run.row(f"One epoch, scored on {N_CELLS:,} cells with all comparators"))
    ready = do_job(lambda: api.context.start_put_back(run.status.id))
    rows.append(ready.row(f"Learning where cells fit, and testing it, {N_CELLS:,} places"))
    applied = do_job(lambda: api.predict(run.status.id, parts["tissue"]))
    rows.append(applied.row(f"The model applied to {N_CELLS:,} further cells"))
    niches = []
    for part in (parts["validation"], parts["reference"]):
        niche = do_job(lambda where=part: api.start_niche(run.status.id, where, TYPE, GENE))  # type: ignore[misc]
        rows.append(niche.row(f"DE between niches, {niche.status.result['cells']:,} of {N_CELLS:,} cells"))
        niches.append(niche.status.id)
    tested = do_job(lambda: api.start_enrichment(niches[0], "de", api.gene_set_libraries()[0])).status.id
    prepared, more = _prepare(parts["tissue"], parts["reference"])
    large = Large(
        study, run.status.id, parts["validation"], parts["reference"], parts["tissue"], (niches[0], niches[1]), tested,
        prepared,
    )  # fmt: skip
    return large, rows + more


def _prepare(tissue: str, reference: str) -> tuple[str, list[Row]]:
    """A study to be prepared, its cells named from the atlas and matched with it."""
    study = api.create_study(f"{N_CELLS:,} cells to prepare", tissue, reference).id
    named = do_job(lambda: api.annotate(study, tissue, "transfer"))
    api.use_naming(study, named.status.id)
    matched = do_job(lambda: api.start_match(study))
    rows = [
        named.row(f"Transferring types to {N_CELLS:,} cells from {N_CELLS:,}", goal_s=60),
        matched.row(f"Matching {N_CELLS:,} cells with an atlas of {N_CELLS:,}", goal_s=60),
    ]
    return study, rows


def _add(sample: Sample, role: Role, folder: Path) -> tuple[Row, str]:
    """(what it took, the data set's id)."""
    path = folder / f"{role}.h5ad"
    write_h5ad(sample, path, dissociated=role == "reference")
    tissue = {} if role == "reference" else {"unit": "um", "section_column": "section", "spots": False}
    answers = Answers.model_validate({"species": "human", "type_column": "cell_type", **tissue})
    job = do_job(lambda: api.add_dataset([path], role, f"{N_CELLS:,} cells, {role}", answers, trusted=True))
    return job.row(f"Adding {N_CELLS:,} cells as {role}"), str(job.status.result["dataset"])


def _tile(sample: Sample, genes: tuple[str, ...]) -> Sample:
    """The same cells again and again, a tile beside the other, over some of their genes."""
    n = sample.counts.shape[0]
    times = -(-N_CELLS // n)
    rows = np.tile(np.arange(n), times)[:N_CELLS]
    column = {gene: j for j, gene in enumerate(sample.genes)}
    wide = int(np.ceil(np.sqrt(times)))
    tile = np.arange(N_CELLS) // n
    step_um = np.ptp(sample.coordinates_um, axis=0) + GAP_UM
    offset_um = np.column_stack([tile % wide, tile // wide]) * step_um
    return Sample(
        counts=csr_matrix(sample.counts[:, [column[gene] for gene in genes]][rows]),
        genes=genes,
        coordinates_um=(sample.coordinates_um[rows] + offset_um).astype(np.float32),
        section=sample.section[rows],
        truth=sample.truth.iloc[rows].reset_index(drop=True),
    )


def read(large: Large) -> list[Row]:
    """Reading one gene of 100,000 cells, as a page does when it is not in its memory."""
    kinds = {
        "predicted context": lambda: api.predicted_context(large.run, large.validation, GENE),
        "measured context": lambda: api.measured_context(large.run, large.validation, GENE),
        "expression": lambda: api.gene_values(large.validation, GENE),
    }
    return [
        Row(f"Reading one gene's {kind}, {N_CELLS:,} cells", 1000 * median_s(act, 9), "ms")
        for kind, act in kinds.items()
    ]
