"""What an evaluation of contexts found, as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from backend.analysis.strips import buffer_um
from backend.evaluation.context.disturbed import DEPTH, FACTOR_SD
from backend.evaluation.context.files import Opened
from backend.evaluation.context.scored import MEASURED, SHIFTED, Answered, Half, gene_interval
from backend.evaluation.genes.bench.report import versions
from backend.evaluation.preflight import warnings_of_radius
from backend.evaluation.scores import compare, medians, verdict

Cuts = Mapping[float, tuple[Half, ...]]
Answers = Mapping[float, Mapping[str, Answered]]


def document(opened: Opened, cuts: Cuts, answers: Answers, seed: int) -> dict[str, Any]:
    """`methods` by the name asked: `median_pcc` (the cell itself left out of the truth: the number that counts),
    `median_pcc_self_loop`, `seconds`, `genes` and more, at the first radius; `sweep` the medians at every radius. A
    method that could not be scored has an `error` and no numbers."""
    sigma = next(iter(answers))
    cut, found = cuts[sigma], answers[sigma]
    scored = [name for name, answered in found.items() if not answered.error]
    tables = pd.concat([found[name].genes().assign(method=name) for name in scored], ignore_index=True)
    rows = compare(tables, scored[0])
    own = next(row for row in medians(tables) if row["method"] == scored[0] and not row["self_loop"])
    return {
        "track": "context",
        "seed": seed,
        "sigma_um": sigma,
        "buffer_um": buffer_um(sigma),
        "cells": opened.tissue.n_cells,
        "scale": opened.tissue.scale,
        "spots": opened.spots,
        "reference_cells": opened.reference.n_cells if opened.reference else None,
        "shared_genes": len(opened.inputs),
        "panel": len(opened.panel),
        "panel_genes": list(opened.panel),
        "halves": [_half(half) for half in cut],
        "ceiling": _mean([half.ceiling for half in cut]),
        "methods": {name: _method(answered, seed) for name, answered in found.items()},
        "comparisons": rows,
        "verdict": verdict(found[scored[0]].title, own["pcc"], rows),
        "sweep": {f"{radius:g}": _sweep(asked, cuts[radius]) for radius, asked in answers.items()},
        "shift": {"depth": DEPTH, "factor_sd": FACTOR_SD} if any(SHIFTED in a.tables for a in found.values()) else None,
        "versions": versions(),
        "warnings": [*opened.warnings, *_warnings(opened, cuts)],
    }


def _half(half: Half) -> dict[str, Any]:
    return {
        "name": half.name,
        "words": half.words,
        "learnt_from": half.train.n_cells,
        "scored": int(half.truth.kept.sum()),
        "without_neighbours": int((~half.truth.kept).sum()),
    }


def _method(answered: Answered, seed: int) -> dict[str, Any]:
    if answered.error:
        nothing = dict.fromkeys(("median_pcc", "median_pcc_self_loop", "seconds"))
        return {"title": answered.title, **nothing, "genes": [], "error": answered.error.to_dict()}
    table = answered.genes()
    without, loop = table[~table.self_loop], table[table.self_loop]
    row, row_loop = (next(iter(medians(part.assign(method=answered.title)))) for part in (without, loop))
    found: dict[str, Any] = {
        "title": answered.title,
        "median_pcc": row["pcc"],
        "median_pcc_self_loop": row_loop["pcc"],
        "quartiles": [row["pcc_low"], row["pcc_high"]],
        "median_srcc": row["srcc"],
        "best_gene": row["best_gene"],
        "best_pcc": row["best_pcc"],
        "genes_scored": row["genes"],
        "excluded": row["excluded"],
        "constant": row["constant"],
        "seconds": round(answered.seconds, 2),
        "config": answered.config,
        "intervals": {
            "genes": gene_interval(without.pcc.to_numpy(), seed),
            "blocks": answered.block_interval(),
        },
        "halves": {part.fold.iloc[0]: _median(part, self_loop=False) for part in answered.tables[MEASURED]},
        "genes": _rows(without, loop),
    }
    others = {kind: _both(answered, kind) for kind in answered.tables if kind != MEASURED}
    if SHIFTED in others:
        found["shift"] = others.pop(SHIFTED)
    return found | ({"nulls": others} if others else {})


def _rows(without: pd.DataFrame, loop: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each gene: scores, what its true context is like (detection, spread, Moran's I), cells, constant."""
    with_self = loop.set_index("gene").pcc
    columns = ["gene", "pcc", "srcc", "detection", "context_sd", "moran", "n_cells", "constant"]
    return [
        {**dict(zip(columns, row, strict=True)), "pcc_self_loop": with_self[row[0]]}
        for row in without[columns].itertuples(index=False, name=None)
    ]


def _both(answered: Answered, kind: str) -> dict[str, float | None]:
    table = answered.genes(kind)
    return {
        "median_pcc": _median(table, self_loop=False),
        "median_pcc_self_loop": _median(table, self_loop=True),
    }


def _sweep(asked: Mapping[str, Answered], cut: tuple[Half, ...]) -> dict[str, Any]:
    found = {name: _both(answered, MEASURED) for name, answered in asked.items() if not answered.error}
    return {"ceiling": _mean([half.ceiling for half in cut]), "methods": found}


def _median(table: pd.DataFrame, *, self_loop: bool) -> float | None:
    values = table[table.self_loop == self_loop].pcc.dropna()
    return float(values.median()) if len(values) else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _warnings(opened: Opened, cuts: Cuts) -> list[str]:
    tissue = opened.tissue
    assert tissue.coordinates is not None
    assert tissue.section is not None
    places = tissue.coordinates.astype(np.float64)
    said = [text for radius in cuts for text in warnings_of_radius(places, tissue.section, radius)]
    if tissue.scale != "counts":
        said.append(f"The tissue holds {tissue.scale} values, not counts.")
    return said
