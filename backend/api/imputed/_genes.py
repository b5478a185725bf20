"""Genes of an imputation: the verdict on each, and what it rests on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from backend.analysis.imputation.verdict import HEADLINES, ORDER, Verdict, inflated, legend
from backend.api._datasets import dataset
from backend.api._runs import run
from backend.api.imputed._scores import result
from backend.datasets.naming.marker_lists import spellings
from backend.datasets.paired import names_as_in
from backend.errors import NotFound
from backend.records import RunRecord
from backend.store import layout, matrix

SUGGESTIONS = 3
NOT_NUMBERS = ("gene", "measured", "verdict", "reasons")
Found = Literal["", "not imputed", "unknown"]


@dataclass(frozen=True)
class GeneCard:
    """May this gene be printed? measured: its score is from hiding it (otherwise predicted, and not tested). headline:
    the verdict in words. reasons: sentences. legend: what to print below the figure. numbers: by column of `genes`,
    None where there is none. inflated: imputing it makes it more ordered in space than it was measured to be."""

    gene: str
    measured: bool
    verdict: Verdict
    headline: str
    reasons: tuple[str, ...]
    legend: str
    numbers: Mapping[str, float | None]
    inflated: bool


def genes(run_id: str) -> pd.DataFrame:
    """One row per gene that the run imputed, measured genes first, by name: gene, measured, detection_tissue,
    detection_reference, specificity, score, score_partial, score_bin, predicted_score, predicted_low, predicted_high,
    beyond_type, beyond_type_p, moran_measured, moran_imputed, coverage, verdict, reasons, and some more."""
    return pd.read_parquet(result(run_id) / "genes.parquet")


def gene_card(run_id: str, gene: str) -> GeneCard:
    """Raises `NotFound` for a gene that the run did not impute."""
    table = genes(run_id)
    rows = table[table["gene"] == gene]
    if rows.empty:
        raise NotFound(f"{gene!r} was not imputed by this run.", mend="Choose one of the run's own genes.")
    return _card(run(run_id), layout.read_json(result(run_id) / "summary.json"), rows.iloc[0])


def _card(record: RunRecord, summary: Mapping[str, Any], row: pd.Series) -> GeneCard:
    numbers = {
        str(name): float(value) if value is not None and np.isfinite(value) else None
        for name, value in row.drop(list(NOT_NUMBERS)).items()
        if not isinstance(value, str)
    }
    verdict: Verdict = row["verdict"]
    words = legend(str(row["gene"]), bool(row["measured"]), verdict, numbers, _told(record, summary))
    reasons = tuple(str(row["reasons"]).split("\n")) if row["reasons"] else ()
    return GeneCard(
        str(row["gene"]), bool(row["measured"]), verdict, HEADLINES[verdict], reasons, words, numbers, inflated(numbers)
    )


def _told(record: RunRecord, summary: Mapping[str, Any]) -> dict[str, str]:
    """What a legend names: the method, the two data sets, how the score was measured."""
    tissue, reference = dataset(record.tissue), dataset(record.reference)
    return {
        "method": str(summary["title"]),
        "tissue": tissue.name,
        "reference": reference.name,
        "cells": f"{tissue.n_cells:,}",
        "seed": str(record.seed),
        "split": record.split,
    }


def ask_genes(run_id: str, names: Iterable[str]) -> pd.DataFrame:
    """The verdicts on genes that somebody pasted, the most trusted first, then by score; one row per name asked.

    Columns: asked, gene ("" where it is unknown), found ("", "not imputed" or "unknown"), near (names like it),
    headline, and those of `genes`, empty where there is no such gene. Case, aliases and Ensembl ids do not matter."""
    record, table = run(run_id), genes(run_id)
    asked = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    known = _spellings(record, table["gene"])
    own = set(table["gene"])
    rows = []
    for name in asked:
        gene = known.get(name.casefold(), "")
        found: Found = "" if gene in own else "not imputed" if gene else "unknown"
        near = [] if gene else difflib.get_close_matches(name.casefold(), known, n=SUGGESTIONS, cutoff=0.6)
        rows.append({"asked": name, "gene": gene, "found": found, "near": ", ".join(known[word] for word in near)})
    told = pd.DataFrame(rows, columns=["asked", "gene", "found", "near"]).merge(table, on="gene", how="left")
    told.insert(4, "headline", told["verdict"].map(HEADLINES).fillna(""))
    place = told["verdict"].map({verdict: place for place, verdict in enumerate(ORDER)}).fillna(len(ORDER))
    told = told.assign(_place=place, _score=told["score"].fillna(told["predicted_score"]))
    told = told.sort_values(["_place", "_score", "asked"], ascending=[True, False, True], ignore_index=True)
    return told.drop(columns=["_place", "_score"])


def _spellings(record: RunRecord, own: Iterable[str]) -> dict[str, str]:
    """Names as somebody may write them, in lower case -> the run's name for the gene."""
    reference = dataset(record.reference)
    renamed = dict(
        zip(matrix.var(reference.id).index, names_as_in(dataset(record.tissue), reference, record.orthologues))
    )
    known = {spelt: renamed.get(name) or name for spelt, name in spellings(reference.id).items()}
    known |= spellings(record.tissue)
    return known | {gene.casefold(): gene for gene in own}


def nearest_measured(run_id: str, gene: str, n: int = 4) -> pd.DataFrame:
    """The measured genes that go with a gene in the reference: relative, r (over the reference's cells, log scale),
    the closest first; at most ten are kept. A measured gene has relatives too."""
    table = pd.read_parquet(result(run_id) / "relatives.parquet", filters=[("gene", "==", gene)])
    if table.empty:
        raise NotFound(f"{gene!r} has no relatives in this run.", mend="Choose one of the run's own genes.")
    return table.nlargest(n, "r")[["relative", "r"]].reset_index(drop=True)
