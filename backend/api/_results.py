"""What a run left behind: scores, contexts, attention; and taking it home."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.api._datasets import dataset
from backend.api._runs import finished, is_imputer, run
from backend.api._studies import study
from backend.api._types import cell_types
from backend.datasets.naming.marker_lists import spellings
from backend.datasets.paired import names_as_in
from backend.errors import NotFound, UserError
from backend.store import keys, layout, matrix
from backend.store.arrays import column_genes, read_column

Floats = NDArray[np.float32]
SUGGESTIONS = 5


@dataclass(frozen=True)
class GeneHit:
    """Where a gene that somebody typed is known, and as what. `name` is the data's own spelling."""

    status: Literal["on your panel", "seen in no cell", "in the reference", "unknown"]
    name: str | None
    suggestions: tuple[str, ...] = ()


def has_result(run_id: str) -> bool:
    return (layout.result_folder(run_id) / "manifest.json").exists()


def scores(run_id: str) -> pd.DataFrame:
    """One row per gene, method and self-loop: pcc, srcc, n_cells, fold, constant, context_sd, detection."""
    return pd.read_parquet(_result(run_id) / "scores.parquet")


def summary(run_id: str) -> dict[str, Any]:
    """Medians over genes, the verdict in words, comparators, n, seed, split, seconds, threads, versions."""
    return dict(layout.read_json(_result(run_id) / "summary.json"))


def attention(run_id: str, type: str | None = None, cell: str | None = None) -> pd.DataFrame:
    """Which genes the `<cls>` token looked at, of a type or of a cell: gene, weight, largest first.

    Empty for an encoder without attention."""
    path = _result(run_id) / "attention.parquet"
    if not path.exists():
        return pd.DataFrame({"gene": [], "weight": []})
    column, value = ("cell", cell) if cell is not None else ("type", type)
    return pd.read_parquet(path, filters=[(column, "==", value)] if value is not None else None)


def context_genes(run_id: str) -> tuple[str, ...]:
    """The genes whose context the run predicts, in its order."""
    record = run(run_id)
    return column_genes(_result(run_id) / f"context_{record.reference}.zarr")


def predicted_context(run_id: str, dataset_id: str, gene: str) -> Floats:
    """A gene's predicted context around each cell of a data set, n_cells values in [0, 1].

    On the reference, the validation tissue and other data sets: the final fit. On the tissue of a run that was scored
    on halves: the fit that did not see the cell, NaN in the buffer between the halves."""
    for folder in _folders(run_id, dataset_id):
        for name in (f"context_{dataset_id}.zarr", f"held_out_{dataset_id}.zarr"):
            if (folder / name).exists():
                return read_column(folder / name, gene)
    raise NotFound(
        f"The run {run_id} has predicted nothing for {dataset(dataset_id).name!r} yet.",
        mend="Apply it to that data set first (`predict`).",
    )


def measured_context(run_id: str, dataset_id: str, gene: str) -> Floats | None:
    """A gene's measured context around each cell, without the cell itself, NaN for a cell without a neighbour. None
    for dissociated cells and for a data set that lacks genes of the panel."""
    for folder in _folders(run_id, dataset_id):
        if (folder / f"truth_{dataset_id}.zarr").exists():
            return read_column(folder / f"truth_{dataset_id}.zarr", gene)
    return None


def _folders(run_id: str, dataset_id: str) -> tuple[Path, Path]:
    """Where predictions for a data set may lie: the run's own result, and that of its application."""
    applied = keys.job_id("predict", {"run": run_id, "dataset": dataset(dataset_id).id})
    return _result(run_id), layout.result_folder(applied)


def _result(run_id: str) -> Path:
    return layout.result_folder(finished(run_id).id)


def find_gene(study_id: str, run_id: str | None, text: str) -> GeneHit:
    """Look a name up, in any case, among symbols, Ensembl ids and aliases as the study's data have them."""
    chosen, asked = study(study_id), text.strip().casefold()
    tissue, reference = spellings(chosen.tissue), spellings(chosen.reference)
    shown = {gene.casefold(): gene for gene in context_genes(run_id)} if run_id and has_result(run_id) else tissue
    if asked in shown:
        return GeneHit("on your panel", shown[asked])
    if asked in tissue:
        return GeneHit("on your panel", tissue[asked])
    unseen = {name.casefold(): name for name in _unseen(chosen.tissue)}
    if asked in unseen:
        return GeneHit("seen in no cell", unseen[asked])
    if asked in reference:
        found = reference[asked]
        # The reference may know an alias, or the other species' name, of a gene of the panel.
        names = names_as_in(dataset(chosen.tissue), dataset(chosen.reference), chosen.orthologues)
        here = dict(zip(matrix.var(chosen.reference).index, names))[found]
        if here in shown.values():
            return GeneHit("on your panel", here)
        if found.casefold() in unseen:
            return GeneHit("seen in no cell", found)
        return GeneHit("in the reference", found)
    near = difflib.get_close_matches(asked, {**reference, **tissue, **shown}, n=2 * SUGGESTIONS, cutoff=0.6)
    similar = dict.fromkeys({**reference, **tissue, **shown}[name] for name in near)
    return GeneHit("unknown", None, tuple(similar)[:SUGGESTIONS])


def _unseen(dataset_id: str) -> list[str]:
    """Genes of the panel that no cell showed when the file was read."""
    table = matrix.excluded(dataset_id)
    return [str(name) for name in table.loc[table["kind"] == matrix.NOT_SEEN, "name"]]


def atlas_by_type(study_id: str, gene: str) -> pd.DataFrame:
    """Where a gene of the reference is expressed: per type of its cells n, and the share in which the gene was seen
    (index: type). What the atlas measured, not a prediction for any cell."""
    record = study(study_id)
    types = cell_types(study_id, record.reference).table["type"].astype(str).to_numpy()
    seen = matrix.gene_values(record.reference, gene) > 0
    if len(types) != len(seen):
        raise UserError("The atlas's cell types are not there yet.", mend="Wait until they have been worked out.")
    groups = pd.DataFrame({"type": types, "seen": seen}).groupby("type")["seen"]
    return pd.DataFrame({"n": groups.size(), "share": groups.mean()})


def export_run(run_id: str, out_path: Path, printable: bool = False) -> Path:
    """Write what a run predicts, whole or not at all. Contexts, of the reference: `.h5ad` (expression,
    `obsm["context"]`, scores in `uns`) or `.csv` (the contexts alone, cells x genes). Imputed genes, of the tissue:
    `.h5ad` or `.zarr` (see `backend.evaluation.imputed.export`); printable: without those of which the verdict is
    "do not show". Returns the path."""
    target = Path(out_path).expanduser().resolve()
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {str(target.parent)!r}.", mend="Make it first.")
    if is_imputer(finished(run_id).method):
        from backend.evaluation.imputed.export import export_imputed

        return export_imputed(run_id, target, printable)
    from backend.evaluation.export import export_run as write

    return write(run_id, target)
