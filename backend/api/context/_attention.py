"""Attention, tested: started here, read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from backend.api._analyses import types_in_use
from backend.api._runs import finished
from backend.errors import NotFound, UserError
from backend.jobs import submit
from backend.records import JobStatus
from backend.store import index, keys, layout

SMALL = "transformer"
CELLS = {True: 600, False: 60}  # read by the small transformer, or by a backbone that takes seconds for a few cells
FEWEST_CELLS, MOST_CELLS = 20, 5000
Table = Literal["cells", "genes", "deletion", "groups", "heads", "cell_heads", "parts"]


@dataclass(frozen=True)
class AttentionTest:
    """facts: the verdict in sentences, numbers of cells, layers and heads, the null. Of the tables, by name:

    cells: cell, type, niche (of like predicted surroundings), read (genes).
    genes: by ("all", "type", "niche"), group, gene, cells, weight, expected, z, p; the null deals weights out anew
    among genes of like rank in a cell.
    groups: by, group, k (genes deleted), n, ratio, p, q; attended, random, first: mean changes of the prediction, and
    their standard errors (`_se`).
    deletion: row (of `cells`), k, attended, random, first.
    heads: by, group, layer, head (-1: mean), gene, weight. cell_heads: row, layer, head, gene, weight.
    parts: layer, head, spread, by_rank, moved."""

    facts: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def attends(run_id: str) -> bool:
    """Whether the run's model has attention to look at."""
    return bool((layout.result_folder(run_id) / "attention.parquet").exists())


def start_attention_test(run_id: str, cells: int | None = None, seed: int = 0) -> JobStatus:
    """Read some of the reference's cells, as many of each type, and test what the model looks at, as a job.

    cells: 600 for the small transformer, 60 for a large backbone, unless said otherwise."""
    record = finished(run_id)
    if not attends(run_id):
        raise UserError(
            "This run has no attention.",
            f"Its encoder, {record.config.get('encoder', record.method)}, reads all genes at once.",
            "Train one whose encoder attends: the transformer, or a Geneformer.",
        )
    if cells is not None and not FEWEST_CELLS <= cells <= MOST_CELLS:
        raise UserError(f"{cells:,} cells cannot be tested.", mend=f"Choose {FEWEST_CELLS} to {MOST_CELLS:,}.")
    return submit.submit("attention-test", _params(run_id, cells, seed))


def find_attention_test(run_id: str) -> JobStatus | None:
    """The usual test of the run, if anybody started it."""
    return index.find(JobStatus, keys.job_id("attention-test", _params(run_id, None, 0)))


def attention_test(job_id: str) -> AttentionTest:
    """Raises `NotFound` where the job is none of these, `UserError` before it is done."""
    status = index.get(JobStatus, job_id)
    if status.kind != "attention-test":
        raise NotFound(f"{job_id} is no attention-test job but a {status.kind}.", mend="Name an attention-test job.")
    folder = layout.result_folder(job_id)
    if not folder.exists():
        raise UserError(
            f"{job_id} has no result yet.", f"It is {status.state.value}.", "Wait for it, or start it again."
        )
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in Table.__args__}  # type: ignore[attr-defined]
    return AttentionTest(status.result, tables)


def _params(run_id: str, cells: int | None, seed: int) -> dict[str, Any]:
    record = finished(run_id)
    try:
        types = types_in_use(run_id, record.reference)
    except UserError:  # a reference without types: all its cells are one
        types = ""
    return {
        "run": record.id,
        "types": types,
        "cells": cells or CELLS[record.config.get("encoder") == SMALL],
        "seed": seed,
    }
