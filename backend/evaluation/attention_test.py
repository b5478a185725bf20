"""Job handler: which genes a model looks at, whether by more than their rank, and whether its predictions hang on them.

A sample of the reference's cells, as many of each type, is read once each, as in training; all that follows is about
these readings, so that a gene can be taken out of one and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.analysis.attending import deletion
from backend.analysis.attending.groups import balanced, predicted_niches
from backend.analysis.attending.heads import MEAN, by_cell, by_group, each_part, summary
from backend.analysis.attending.null import SHUFFLES, Looked, stands_out
from backend.analysis.attending.words import facts_of
from backend.analysis.niche_job import types_of
from backend.datasets.paired import read_cells
from backend.errors import UserError
from backend.evaluation.opened import OpenedRun, open_run
from backend.methods import registry
from backend.methods.contract import Floats
from backend.methods.scxm.attention import Attentive, Reading, draw_once, predict_drawn, reading_of
from backend.records import RunRecord
from backend.store import index, layout, matrix
from backend.training.device import repeatable
from backend.training.job import Job

ALL = "all"
MOST_PARTS = 40  # layers and heads that are each tested by deletion; of a larger backbone only its layers
PART_GENES = 8  # deleted for each of them


@dataclass
class Deleting:
    """A model, the readings of the sample, and how far each prediction moves when genes are taken out."""

    fitted: Attentive
    reading: Reading
    before: Floats
    job: Job
    passes: int  # over the sample, all in all
    done: int = 1

    @property
    def looked(self) -> Looked:
        """By the mean of the last layer's heads."""
        return self.of(self.reading.part())

    def of(self, weight: NDArray[np.float64]) -> Looked:
        read = self.reading
        return Looked(read.drawn.shape[0], read.drawn.shape[1], read.cell, read.gene, read.rank, weight)

    def move(self, genes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Change of each cell's prediction without these genes (n x k)."""
        after = predict_drawn(self.fitted, deletion.without(self.reading.drawn, genes), self.job.device)
        self.done += 1
        self.job.report(self.done, self.passes)
        return deletion.changed(self.before, after, self.before.std(axis=0))


def look(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: run, types ("column", an annotation job, or "" for none), cells, seed.

    Writes `cells`, `genes` (null), `deletion` (per cell), `groups` (of cells), `heads`, `cell_heads` and `parts`
    (layers and heads) as parquet, and `facts.json`, and returns those facts. Raises `UserError` for a model that does
    not attend."""
    job.stage("reading the model and the cells")
    opened = open_run(index.get(RunRecord, params["run"]))
    fitted = registry.method(opened.run.method).load(layout.result_folder(opened.run.id) / "fits" / "final")
    if not hasattr(getattr(fitted, "encoder", None), "attend"):
        raise UserError(
            "This model has no attention.",
            "Its encoder reads all genes at once.",
            "Train one with an encoder that attends, such as the transformer.",
        )
    seed = int(params["seed"])
    with repeatable(seed, job.threads):
        test, cells = _read(params, opened, cast(Attentive, fitted), job)
        names = np.asarray(opened.plan.input_genes)
        groupings = {by: cells[by].to_numpy(str) for by in (ALL, "type", "niche")}
        job.stage("dealing attention out anew")
        genes = stands_out(test.looked, groupings, seed)
        genes["gene"] = names[genes["gene"]]
        job.stage("deleting genes")
        changes, groups = _delete(test, groupings, seed)
        parts = _parts(test)
    _write_heads(job, test.reading, groupings, names)
    job.report(test.passes, test.passes)
    for name, table in {"cells": cells, "genes": genes, "deletion": changes, "groups": groups, "parts": parts}.items():
        table.to_parquet(job.result / f"{name}.parquet", index=False)
    facts = facts_of(genes, groups, changes, parts, cells["read"].to_numpy()) | {
        "cells": len(cells),
        "of_cells": opened.reference.n_cells,
        "genes_read": float(cells["read"].median()),
        "layers": int(test.reading.weight.shape[0]),
        "heads": int(test.reading.weight.shape[1]),
        "shuffles": SHUFFLES,
        "sets": deletion.SETS,
        "seed": seed,
    }
    layout.write_json(job.result / "facts.json", facts)
    return facts


def _read(params: dict[str, Any], opened: OpenedRun, fitted: Attentive, job: Job) -> tuple[Deleting, pd.DataFrame]:
    """The sample read once, with a row per cell: cell, all, type, niche, read (genes)."""
    reference = opened.reference
    found = types_of(reference.id, params["types"]) if params["types"] else np.full(reference.n_cells, "all cells")
    types = pd.Series(found).fillna("unknown").to_numpy(str)
    seed = int(params["seed"])
    rows = balanced(types, int(params["cells"]), seed)
    every = read_cells(reference, opened.plan.input_genes, opened.plan.measured[reference.id])
    drawn = draw_once(fitted, every.of_rows(rows))
    n = len(rows)
    job.stage("looking where the model looks")
    reading = reading_of(fitted, drawn, job.device, lambda done: job.report(min(done, n), n))
    before = predict_drawn(fitted, drawn, job.device)
    layers, heads = reading.weight.shape[:2]
    parts = layers * (heads + 1) if layers * (heads + 1) <= MOST_PARTS else layers
    passes = 1 + len(deletion.COUNTS) * (2 + deletion.SETS) + parts
    test = Deleting(fitted, reading, before, job, passes)
    cells = pd.DataFrame(
        {
            "cell": matrix.obs(reference.id, []).index.to_numpy()[rows],
            ALL: "all cells",
            "type": types[rows],
            "niche": predicted_niches(before, opened.plan.panel_genes, seed),
            "read": np.bincount(reading.cell, minlength=n),
        }
    )
    return test, cells


def _delete(test: Deleting, groupings: dict[str, NDArray[np.str_]], seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Per cell and number of genes k: the changes by deleting attended, random (mean of the sets) and first genes, NaN
    where a cell was read by too few; and the same by group, tested."""
    drawn = test.reading.drawn
    detection = np.asarray((drawn > 0).mean(axis=0)).ravel()
    plan = deletion.plan(test.looked, detection, seed)
    changes, groups = [], []
    for k in deletion.COUNTS:
        tried = plan.attended[:, k - 1] >= 0
        if not tried.any():
            continue
        attended, first, *sets = (
            np.where(tried, test.move(genes[:, :k]), np.nan) for genes in (plan.attended, plan.first, *plan.random)
        )
        random = np.stack(sets)
        row = pd.DataFrame({"row": np.arange(len(tried)), "k": k, "attended": attended, "random": random.mean(axis=0)})
        changes.append(row.assign(first=first))
        for by, labels in groupings.items():
            table = deletion.compare(attended, random, labels, seed)
            over_cells = pd.DataFrame({"attended": attended, "random": random.mean(axis=0), "first": first})[tried]
            cells = over_cells.groupby(labels[tried])
            errors = cells.sem().add_suffix("_se").assign(first=cells["first"].mean())
            groups.append(table.assign(by=by, k=k).join(errors, on="group"))
    if not changes:
        raise UserError(
            "No cell was read by enough genes to delete one of them.",
            f"One of {deletion.SHARE} genes is deleted at most, so that something is left to predict from.",
            "Use a run that reads more genes of a cell: a larger panel, or a deeper tissue.",
        )
    return pd.concat(changes, ignore_index=True), pd.concat(groups, ignore_index=True)


def _parts(test: Deleting) -> pd.DataFrame:
    """One row per layer and head: spread, by_rank, and `moved`: the change by deleting its 8 most attended genes, NaN
    where it was not tried."""
    reading = test.reading
    table = summary(reading.cell, reading.rank, reading.weight)
    few = len(table) <= MOST_PARTS
    moved = []
    for _, head, weight in each_part(reading.weight):
        if head != MEAN and not few:
            moved.append(np.nan)
            continue
        moved.append(float(test.move(deletion.most_attended(test.of(weight), PART_GENES)).mean()))
    return table.assign(moved=moved)


def _write_heads(job: Job, reading: Reading, groupings: dict[str, NDArray[np.str_]], names: NDArray[np.str_]) -> None:
    entries = csr_matrix((np.arange(len(reading.cell)), (reading.cell, reading.gene)), shape=reading.drawn.shape)
    for name, table in {
        "heads": by_group(entries, reading.weight, groupings),
        "cell_heads": by_cell(entries, reading.weight),
    }.items():
        table.assign(gene=names[table["gene"]]).to_parquet(job.result / f"{name}.parquet", index=False)
