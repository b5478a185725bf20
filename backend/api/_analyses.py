"""Niches and enrichment: started here, read here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from backend.api._checks import check_path
from backend.api._datasets import dataset
from backend.api._results import context_genes
from backend.api._runs import finished
from backend.api._types import COLUMN
from backend.errors import DataError, NotFound, UserError
from backend.jobs import submit
from backend.records import JobStatus, StudyRecord
from backend.store import index, layout, matrix

MOST_NAMED = 12


@dataclass(frozen=True)
class NicheResult:
    """table: one row per gene tested. cells: one row per cell of the type (predicted context, clustered or not).
    facts: threshold, numbers, the permutation null, warnings."""

    table: pd.DataFrame
    cells: pd.DataFrame
    facts: dict[str, Any]


@dataclass(frozen=True)
class EnrichmentResult:
    """table: one row per gene set. curves: running scores, long. facts: what was ranked, the background, warnings.
    adjusted: of a run's scores, the curves of what is left of them without spread and detection."""

    table: pd.DataFrame
    curves: pd.DataFrame
    facts: dict[str, Any]
    adjusted: pd.DataFrame | None = None


def start_niche(run_id: str, dataset_id: str, type: str, gene: str, threshold: float | None = None) -> JobStatus:
    """Split the type's cells by the gene's predicted context and test every gene between the two groups, as a job.

    threshold: 0 to 1; None: Otsu's, computed from the predictions."""
    chosen = dataset(dataset_id)
    if gene not in context_genes(run_id):
        raise NotFound(f"{gene!r} was not predicted by this run.", mend="Choose one of the run's own genes.")
    if threshold is not None and not 0 < threshold < 1:
        raise UserError("A threshold lies between 0 and 1.", f"This one is {threshold}.", "Choose another, or none.")
    types = types_in_use(run_id, chosen.id)
    known = _known_types(chosen.id, types)
    if type not in known:
        raise NotFound(
            f"{chosen.name!r} has no cells of type {type!r}.",
            f"It has {', '.join(known[:MOST_NAMED])}{' …' if len(known) > MOST_NAMED else ''}.",
            "Choose one of these.",
        )
    params = {"run": run_id, "dataset": chosen.id, "types": types, "type": type, "gene": gene, "threshold": threshold}
    return submit.submit("niche", params)


def types_in_use(run_id: str, dataset_id: str) -> str:
    """`"column"`, or the annotation job whose types a study with this run's data uses for the data set."""
    record = finished(run_id)
    for study in reversed(index.list_all(StudyRecord)):
        if record.data in (study.data, study.quick_data) and dataset_id in study.types:
            return study.types[dataset_id]
    if dataset(dataset_id).has_types:
        return COLUMN
    raise UserError(
        f"{dataset(dataset_id).name!r} names no cell types.",
        "It is not part of the study, which would have worked them out.",
        "Make a study with it, or add it again with --type-column.",
    )


def _known_types(dataset_id: str, source: str) -> list[str]:
    """The types of a data set, the most common first."""
    if source == COLUMN:
        types = matrix.obs(dataset_id, ["type"])["type"]
    else:
        types = pd.read_parquet(_read(source, "annotate")[0] / "types.parquet", columns=["type"])["type"]
    return [str(name) for name in types.value_counts().index]


def niche(job_id: str) -> NicheResult:
    folder, facts = _read(job_id, "niche")
    return NicheResult(pd.read_parquet(folder / "table.parquet"), pd.read_parquet(folder / "cells.parquet"), facts)


def start_enrichment(
    source: str, kind: Literal["de", "scores"], gene_sets: str, min_size: int = 5, *, trusted: bool = False
) -> JobStatus:
    """Prerank enrichment as a job. source: a niche job for `de`, a run for `scores`. gene_sets: a library's name or
    the path of a GMT file."""
    if kind == "scores":
        finished(source)
    else:
        _read(source, "niche")
    if min_size < 2:
        raise UserError("A gene set has at least 2 genes.", mend="Choose a larger smallest size.")
    params: dict[str, Any] = {"source": source, "kind": kind, "gene_sets": gene_sets, "min_size": min_size}
    if gene_sets not in gene_set_libraries():
        path = check_path(Path(gene_sets), trusted)
        if not path.is_file():
            raise DataError(f"{gene_sets!r} is no file.", mend="Name a GMT file, or a library that comes with Resitu.")
        params |= {"gene_sets": str(path), "stamp": [path.stat().st_size, path.stat().st_mtime_ns]}
    return submit.submit("enrich", params)


def enrichment(job_id: str) -> EnrichmentResult:
    folder, facts = _read(job_id, "enrich")
    table, curves = (pd.read_parquet(folder / f"{name}.parquet") for name in ("table", "curves"))
    left = folder / "curves_adjusted.parquet"
    return EnrichmentResult(table, curves, facts, pd.read_parquet(left) if left.exists() else None)


def gene_set_libraries() -> tuple[str, ...]:
    """The names of the gene sets that come with Resitu."""
    from backend.analysis.gene_sets import LIBRARIES

    return tuple(LIBRARIES)


def _read(job_id: str, kind: str) -> tuple[Path, dict[str, Any]]:
    status = index.get(JobStatus, job_id)
    if status.kind != kind:
        raise NotFound(f"{job_id} is no {kind} job but a {status.kind}.", mend=f"Name a {kind} job.")
    folder = layout.result_folder(job_id)
    if not folder.exists():
        raise UserError(
            f"{job_id} has no result yet.", f"It is {status.state.value}.", "Wait for it, or start it again."
        )
    return folder, status.result
