"""A list of genes as one number per cell, and how well imputation gets that number right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.api._runs import run
from backend.api.imputed._genes import ask_genes
from backend.api.imputed._layers import Floats, gene_layers, run_cells
from backend.errors import UserError
from backend.store import matrix

MOST_GENES, FEWEST_TESTED = 100, 2
BIN_UM = 50.0


@dataclass(frozen=True)
class Signature:
    """values: n cells, the mean over its genes of standard scores (mean 0, variance 1 over the tissue): of what was
    measured where the panel has the gene, of what is imputed elsewhere. measured, held_out: the same over the panel's
    genes alone, as measured and as imputed while each was hidden; None where the panel has fewer than two. scores:
    pcc, pcc_depth_partial and srcc of these two over cells, and pcc_bin over 50 um bins."""

    genes: tuple[str, ...]
    off_panel: tuple[str, ...]
    left_out: tuple[str, ...]  # as asked: unknown or not imputed
    values: Floats
    measured: Floats | None
    held_out: Floats | None
    scores: dict[str, float]


def signature(run_id: str, names: Iterable[str], study_id: str | None = None) -> Signature:
    """Read gene by gene: nothing here is cells x genes. Raises `UserError` where no gene is known or too many are."""
    told = ask_genes(run_id, names)
    if len(told) > MOST_GENES:
        why = f"{len(told)} genes were asked for; {MOST_GENES} are the most."
        raise UserError("The list is too long for a signature.", why, "Keep the genes that define it.")
    known = told[told["found"] == ""].drop_duplicates("gene").sort_values("gene")
    if known.empty:
        raise UserError("None of these genes was imputed by this run.", mend="Check how they are spelt.")
    n_cells = len(run_cells(run_id))
    values, measured, held_out = (np.zeros(n_cells) for _ in range(3))
    for gene in known["gene"]:
        layers = gene_layers(run_id, gene, study_id)
        imputed = _standard(layers.imputed)
        true = imputed if layers.measured is None else _standard(layers.measured)
        values += true
        if layers.measured is not None:
            measured += true
            held_out += imputed
    on = known["measured"].astype(bool)
    tested = int(on.sum()) >= FEWEST_TESTED
    return Signature(
        genes=tuple(known["gene"]),
        off_panel=tuple(known.loc[~on, "gene"]),
        left_out=tuple(told.loc[told["found"] != "", "asked"]),
        values=(values / len(known)).astype(np.float32),
        measured=(measured / on.sum()).astype(np.float32) if tested else None,
        held_out=(held_out / on.sum()).astype(np.float32) if tested else None,
        scores=_scores(run_id, measured, held_out) if tested else {},
    )


def _standard(values: Floats) -> NDArray[np.float64]:
    """Mean 0 and variance 1 over the cells that have a value; 0 everywhere where none differs from another."""
    spread = float(np.nanstd(values, dtype=np.float64))
    return (values - np.nanmean(values, dtype=np.float64)) / spread if spread > 0 else np.zeros(len(values))


def _scores(run_id: str, measured: NDArray[np.float64], held_out: NDArray[np.float64]) -> dict[str, float]:
    from backend.evaluation.genes.levels import grouped
    from backend.evaluation.genes.metrics import Scale, score_genes

    record, cells = run(run_id), run_cells(run_id)
    known = np.isfinite(measured) & np.isfinite(held_out)
    depth = cells.filter(like="depth_").mean(axis=1).to_numpy(dtype=np.float64)
    true, guess = (values[known, None].astype(np.float32) for values in (measured, held_out))
    row = score_genes(true, guess, np.log1p(depth[known]), ["signature"], Scale(None)).iloc[0]
    obs = matrix.obs(record.tissue, ["x_um", "y_um", "section"])[known]
    square = obs.groupby([obs["section"].astype(str), obs["x_um"] // BIN_UM, obs["y_um"] // BIN_UM]).ngroup()
    bins = grouped("bin", square.to_numpy())
    coarse = score_genes(bins.of(true), bins.of(guess), bins.of(np.log1p(depth[known])), ["signature"], Scale(None))
    found = {name: float(row[name]) for name in ("pcc", "pcc_depth_partial", "srcc")}
    return found | {"pcc_bin": float(coarse["pcc"].iloc[0])}
