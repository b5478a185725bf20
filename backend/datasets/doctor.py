"""The doctor: looks at everything in a file before it says anything, and says all of it at once.

Refused: cannot be used. Mended: put right, and told. Asked: decided by a guess that the user can change. Noted: worth
knowing. What the checks let through is the canonical data set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from backend.datasets.canonical import Canonical
from backend.datasets.checks import cells, columns, features, measured, places, values
from backend.datasets.checks.case import Case
from backend.datasets.expression import linear
from backend.datasets.raw import Raw
from backend.errors import DataError
from backend.records import Answers, Finding, Role


@dataclass(frozen=True)
class Diagnosis:
    """findings: refused first. ready: None if anything was refused. facts: what a preview shows."""

    findings: tuple[Finding, ...]
    facts: dict[str, Any]
    ready: Canonical | None

    def require(self) -> Canonical:
        """The canonical data set; raises DataError that lists every refused finding at once."""
        if self.ready is not None:
            return self.ready
        refused = [finding for finding in self.findings if finding.grade == "refused"]
        if len(refused) == 1:
            raise DataError(refused[0].what, refused[0].why, refused[0].mend)
        what = "\n".join(f"{i}. {finding.what} {finding.why}".strip() for i, finding in enumerate(refused, 1))
        mend = "\n".join(f"{i}. {finding.mend}" for i, finding in enumerate(refused, 1) if finding.mend)
        raise DataError(f"{len(refused)} problems:\n{what}", mend=mend)


def examine(raw: Raw, role: Role, answers: Answers | None = None) -> Diagnosis:
    """Run every check; a refusal does not keep the later ones from looking."""
    raw = replace(raw, obs=_tidy(raw.obs))
    case = Case.open(raw, role, answers or Answers())
    for note in raw.notes:
        case.say("noted", "reading", note)
    if raw.obs.empty and not len(raw.obs.index):
        case.refuse("no-cells", "The file holds no cells.", mend="Choose the file that holds the counts.")
        return Diagnosis(tuple(case.findings), _facts(case), None)
    cells.keep_asked(case)
    cells.name_cells(case)
    values.choose_matrix(case)
    columns.read_columns(case)
    places.read_places(case)
    if raw.matrices:
        features.read_features(case)
        cells.drop_empty(case)
        measured.read_measures(case)
        cells.note_depth(case)
    order = ("refused", "asked", "mended", "noted")
    findings = tuple(sorted(case.findings, key=lambda finding: order.index(finding.grade)))
    return Diagnosis(findings, _facts(case), None if case.refused else _canonical(case, findings))


def _tidy(obs: pd.DataFrame) -> pd.DataFrame:
    """Column names as text, each once, without the slash that a store takes for a folder."""
    names = obs.columns.astype(str).str.replace("/", "_", regex=False)
    return obs.set_axis(names, axis=1).loc[:, ~names.duplicated()]


def _canonical(case: Case, findings: tuple[Finding, ...]) -> Canonical:
    case.values.sum_duplicates()
    case.values.sort_indices()
    return Canonical(
        values=case.values,
        genes=case.genes,
        obs=case.obs,
        role=case.role,
        species=case.species,
        gene_ids=case.gene_ids,
        scale=case.scale,
        counts_from=case.counts_from,
        excluded=case.excluded,
        coordinates_um=case.coordinates,
        um_per_unit=case.um_per_unit,
        spots=case.spots,
        columns=case.columns,
        neighbour_um=case.neighbour_um,
        findings=findings,
        source=case.raw.source,
        measures=case.measures,
    )


def _facts(case: Case) -> dict[str, Any]:
    """JSON: sizes before and after, matrices, columns with examples, depth, spacing."""
    raw, filled = case.raw, 0 not in case.values.shape
    totals = np.asarray(linear(case.values, case.scale).sum(axis=1)).ravel() if filled else np.zeros(1)
    return {
        "cells": int(case.values.shape[0]) if filled else 0,
        "genes": int(case.values.shape[1]) if filled else 0,
        "cells_in_file": len(raw.obs),
        "matrices": [
            {"name": name, "genes": int(raw.matrices[name].values.shape[1]), "kind": kind, "why": why}
            for name, (kind, why) in case.judged.items()
        ],
        "columns": [
            {"name": str(column), "values": int(texts.nunique()), "examples": list(texts.unique()[:4])}
            for column in raw.obs
            for texts in [raw.obs[column].astype(str)]
        ],
        "coordinates": list(raw.coordinates),
        "scale": case.scale,
        "species": case.species,
        "median_counts": round(float(np.median(totals)), 2),
        "median_genes": float(np.median(np.diff(case.values.indptr))) if filled else 0.0,
        "neighbour_um": case.neighbour_um,
        "sections": sorted(set(map(str, case.obs["section"]))) if "section" in case.obs else [],
        "types": sorted(set(map(str, case.obs["type"]))) if "type" in case.obs else [],
    }
