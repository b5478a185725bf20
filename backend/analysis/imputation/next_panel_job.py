"""Job handler: a list of genes to measure next, and what such lists were worth where the answer is known."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.analysis.imputation.next_panel import (
    FEWEST_GENES,
    Measured,
    choose,
    compare,
    given,
    helped,
    proposable,
    simulate,
)
from backend.datasets.expression import linear, log_normalise
from backend.datasets.paired import plan_genes, read_cells
from backend.errors import DataError
from backend.methods.contract import Cells
from backend.records import DatasetRecord
from backend.store import index
from backend.training.job import Job

MOST_REFERENCE, MOST_TISSUE = 5_000, 10_000  # cells; more are drawn at random
MOST_OPEN = 3_000  # genes beyond the panel, those that vary most beyond what their mean explains
_BINS = 20
LEAST_DETECTED, MOST_DETECTED = 0.05, 0.8  # of the reference's cells: rarer tell little, others light up all cells
NAMED = 5
# Made by every cell in amounts that crowd out other genes, or sequences without a gene's name: no panel holds them.
UNWANTED = re.compile(
    r"(?i)^(mt-|rp[ls]\d|mrp[ls]\d|malat1$|neat1$|xist$|eef1|tmsb|linc\d|gm\d|rp\d+-|ct[abcd]-|.*rik$|.*\.\d+$)"
)


def propose(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: tissue, reference, count, seed, version (of the numbers), and orthologues where a table was brought.
    Writes `genes.parquet` (the list) and `tests.parquet` (see `simulate`); returns the facts."""
    around, loose = (index.get(DatasetRecord, params[role]) for role in ("tissue", "reference"))
    count, seed = int(params["count"]), int(params["seed"])
    job.stage("reading both data sets")
    plan = plan_genes(around, loose, None, params.get("orthologues"))
    shared, on_panel = plan.panel_genes, {name for name in plan.measured[around.id] if name}
    beyond = tuple(sorted({name for name in plan.measured[loose.id] if name} - on_panel))
    rng = np.random.default_rng(seed)
    atlas = _some(read_cells(loose, (*shared, *beyond), plan.measured[loose.id]), MOST_REFERENCE, rng)
    logged = log_normalise(atlas.expression, atlas.scale)
    wanted = _worth_asking(logged, len(shared), beyond)
    if not len(wanted):
        raise DataError(
            "There is no gene to propose.",
            f"None of {loose.name} beyond the panel is seen in {LEAST_DETECTED:.0%} to {MOST_DETECTED:.0%} of cells.",
            "Choose a reference with more genes.",
        )
    job.report(1, 3)
    job.stage("choosing genes")
    columns = np.concatenate([np.arange(len(shared)), wanted])
    names = [(*shared, *beyond)[column] for column in columns]
    values = np.asarray(logged[:, columns].todense(), dtype=np.float64)
    table = _list(values, names, len(shared), count)
    job.report(2, 3)
    facts = {"count": len(table), "proposed_from": len(wanted), "shared": len(shared), "seed": seed}
    job.stage("trying the rule on genes whose answer is known")
    tissue = _some(read_cells(around, shared, plan.measured[around.id]), MOST_TISSUE, rng)
    counts = np.asarray(linear(tissue.expression, tissue.scale).todense(), dtype=np.float64)
    facts |= _tested(Measured(counts, values[:, : len(shared)]), shared, count, seed, job)
    table.to_parquet(job.result / "genes.parquet", index=False)
    job.report(3, 3)
    return facts


def _some(cells: Cells, most: int, rng: np.random.Generator) -> Cells:
    if cells.n_cells <= most:
        return cells
    rows = np.sort(rng.choice(cells.n_cells, most, replace=False))
    return Cells(cells.expression[rows], cells.genes, cells.scale)


def _worth_asking(logged: csr_matrix, shared: int, beyond: tuple[str, ...]) -> NDArray[np.intp]:
    """Columns of genes beyond the panel: detected often enough, not of the kinds that no panel holds, and of these the
    most variable at their mean, so that housekeeping genes do not take the place of those that tell cells apart."""
    detected = np.diff(logged.tocsc().indptr) / max(logged.shape[0], 1)
    seen = (detected[shared:] >= LEAST_DETECTED) & (detected[shared:] <= MOST_DETECTED)
    fit = np.array([not UNWANTED.match(name) for name in beyond], dtype=bool) & seen
    columns = np.flatnonzero(fit) + shared
    if len(columns) <= MOST_OPEN:
        return columns
    chosen = logged[:, columns]
    mean = np.asarray(chosen.mean(axis=0)).ravel()
    variance = np.asarray(chosen.multiply(chosen).mean(axis=0)).ravel() - mean**2
    bins = pd.Series(mean).rank(method="first").floordiv(len(columns) / _BINS)
    beyond_mean = pd.Series(variance) - pd.Series(variance).groupby(bins).transform("median")
    return np.sort(columns[np.argsort(-(beyond_mean / variance), kind="stable")[:MOST_OPEN]])


def _list(values: NDArray[np.float64], names: list[str], shared: int, count: int) -> pd.DataFrame:
    """One row per proposed gene, the first first: gene, gain, cumulative (in genes), open (share of its variance that
    the panel leaves open), detection_reference, nearest (the panel gene most like it), nearest_r, helps."""
    spread = values.std(axis=0)
    scaled = np.divide(values - values.mean(axis=0), spread, out=np.zeros_like(values), where=spread > 1e-9)
    correlation = scaled.T @ scaled / len(scaled)
    panel, targets = np.arange(shared), np.arange(shared, len(names))
    mean = np.expm1(values).mean(axis=0)
    found = choose(correlation, panel, proposable(mean, targets), targets, count)
    rest = given(correlation, panel)
    nearest = np.abs(correlation[:shared][:, found.chosen]).argmax(axis=0)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(found.chosen) + 1),
            "gene": [names[column] for column in found.chosen],
            "gain": found.gains,
            "cumulative": np.cumsum(found.gains),
            "open": found.open[found.chosen],
            "detection_reference": (values[:, found.chosen] > 0).mean(axis=0),
            "nearest": [names[row] for row in nearest],
            "nearest_r": [float(correlation[row, column]) for row, column in zip(nearest, found.chosen)],
            "helps": [", ".join(names[row] for row in helped(rest, at, targets, NAMED)) for at in found.chosen],
        }
    )


def _tested(data: Measured, shared: tuple[str, ...], count: int, seed: int, job: Job) -> dict[str, Any]:
    """At most a third of the hidden half is added: of fewer hidden genes than that, nothing would be left to judge."""
    if len(shared) < FEWEST_GENES:
        return {"tested": False, "why_not": f"With {len(shared)} shared genes no half of the panel can stand for it."}
    added = min(count, len(shared) // 6)
    tests = simulate(data, added, seed)
    tests["gene"] = np.array(shared, dtype=object)[tests["gene"].to_numpy()]
    tests.to_parquet(job.result / "tests.parquet", index=False)
    rule = tests[tests["choice"] == "rule"]
    return {
        "tested": True,
        "added": added,
        "halves": int(tests["half"].nunique()),
        "draws": int(tests.loc[tests["choice"] == "random", "draw"].nunique()),
        "base": float(rule["base"].mean()),
        "against": compare(tests),
    }
