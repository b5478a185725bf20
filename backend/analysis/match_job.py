"""Job handler: how well an atlas matches a tissue: genes, markers, depth, types without a counterpart, and a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from backend.analysis import match as reckon
from backend.analysis.match_verdict import judge
from backend.datasets.checks.case import count
from backend.datasets.checks.columns import UNKNOWN
from backend.datasets.expression import leiden, log_normalise
from backend.datasets.naming.found import COLUMN, TRANSFER_VERSION, UNSURE, read_source
from backend.datasets.paired import GenePlan, plan_genes, read_cells
from backend.datasets.versions.subsample import balanced
from backend.errors import DataError
from backend.methods.contract import Cells
from backend.records import DatasetRecord, JobState, JobStatus
from backend.store import index, keys, layout, matrix

if TYPE_CHECKING:
    from backend.training.job import Job

MOST_CELLS = 20_000
MOST_NAMED = 200  # genes that the atlas lacks, by name
GROUPS = "groups"  # a source of types: groups of similar expression, for a tissue that has no names of its own
ORGAN_COLUMNS = ("tissue_general", "organ", "tissue", "tissue_type", "body_site")
NAMELESS = (UNKNOWN, UNSURE, "other", "others", "other cells", "unassigned", "undefined", "nan", "na", "none", "")
DOUBT_FROM = 0.5  # of a type's cells in groups that the transfer cannot place
_NAMED_BY = 2  # markers in the name of a group
_ASSUMED_DEPTH = 500.0  # counts of a cell, where the tissue does not hold counts


@dataclass(frozen=True)
class Side:
    """One data set, over the shared genes. rows: of the data set; labels: a name for each of them."""

    record: DatasetRecord
    rows: NDArray[np.intp]
    labels: NDArray[np.object_]
    cells: Cells

    @property
    def logged(self) -> Any:
        return log_normalise(self.cells.expression, self.cells.scale)

    @property
    def depth(self) -> NDArray[np.float64]:
        return np.asarray(self.cells.expression.sum(axis=1), dtype=np.float64).ravel()


def match(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: tissue, reference, tissue_types, reference_types (each "column", "groups" or an annotation), seed, and
    orthologues where a table was brought. Writes cells, types, atlas_types and genes as parquet; returns the facts."""
    seed = int(params.get("seed", 0))
    around, loose = (index.get(DatasetRecord, params[role]) for role in ("tissue", "reference"))
    plan = plan_genes(around, loose, None, params.get("orthologues"))
    job.stage("reading both data sets")
    named, named_by = _transferred(params, around, loose, job)
    all_labels = _labels(around, params["tissue_types"], seed)
    tissue = _side(around, all_labels, plan, seed, (UNKNOWN,))
    atlas = _side(loose, _labels(loose, params["reference_types"], seed), plan, seed, NAMELESS)
    job.stage("comparing types")
    all_labels, tissue, tissue_markers = _with_markers(tissue, all_labels, params["tissue_types"])
    table, own, f1 = _compare(tissue, atlas, seed)
    lost = {str(row["group"]) for row in named_by.get("no_counterpart", ())}
    cells, types = _counterparts(all_labels, table, named, lost)
    cells.insert(0, "cell", matrix.obs(around.id, []).index.to_numpy())
    types = _present(types, tissue_markers, set(plan.panel_genes))
    atlas_types = _atlas_types(atlas, f1, plan)
    genes = reckon.by_gene(tissue.cells, atlas.cells)
    for name, rows in (("cells", cells), ("types", types), ("atlas_types", atlas_types), ("genes", genes)):
        rows.to_parquet(job.result / f"{name}.parquet", index=False)
    facts = _facts(tissue, atlas, plan, params) | {"seed": seed, "own_r": round(own, 3), "named_by": named_by}
    return facts | _judged(facts, cells, types, genes, f1)


def _transferred(
    params: dict[str, Any], around: DatasetRecord, loose: DatasetRecord, job: Job
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Names from the atlas for all cells of the tissue, indexed by cell, with the facts of the transfer: those of a
    finished job where there is one."""
    from backend.datasets.naming.transfer import by_reference

    asked = {"dataset": around.id, "how": "transfer", "reference": loose.id, "version": TRANSFER_VERSION}
    if params["reference_types"] != COLUMN:
        asked["reference_types"] = params["reference_types"]
    if "orthologues" in params:
        asked["orthologues"] = params["orthologues"]
    done = index.find(JobStatus, keys.job_id("annotate", asked))
    if done and done.state is JobState.SUCCEEDED and layout.result_folder(done.id).exists():
        source = read_source(around, done.id)
        return source.cells, source.facts
    found = by_reference(around, {**asked, "seed": params.get("seed", 0)}, job)
    cells = matrix.obs(around.id, []).index
    return pd.DataFrame(
        {"type": found.types, "probability": found.probability, **found.extra}, index=cells
    ), found.facts


def _labels(record: DatasetRecord, source: str, seed: int) -> NDArray[np.object_]:
    """A name for each cell of the data set. Groups come from the whole panel: they are the same for every atlas."""
    if source != GROUPS:
        types = read_source(record, source).cells["type"]
        return types.reindex(matrix.obs(record.id, []).index).fillna(UNSURE).to_numpy(dtype=object)
    values, _ = matrix.load_csr(record.id)
    rows = _sample(np.zeros(record.n_cells), seed)
    found = np.asarray([f"group {group + 1}" for group in leiden(values[rows], record.scale, 1.0, seed)], dtype=object)
    if len(rows) == record.n_cells:
        return found
    return reckon.nearest_group(log_normalise(values, record.scale), rows, found)


def _side(
    record: DatasetRecord, labels: NDArray[np.object_], plan: GenePlan, seed: int, nameless: tuple[str, ...]
) -> Side:
    """At most 20,000 cells that have a name; of each type as many as of any other, the small ones whole. nameless: what
    is no name. An atlas's leftovers ("other", "unsure") are no type of it, and nobody's counterpart; a tissue's are
    part of what markers stand out from."""
    known = np.flatnonzero(~np.isin(np.char.lower(labels.astype(str)), nameless))
    if not len(known):
        raise DataError(f"No cell of {record.name!r} has a name.", mend="Work its types out first.")
    rows = known[_sample(labels[known], seed)]
    cells = read_cells(record, plan.input_genes, plan.measured[record.id])
    return Side(record, rows, labels[rows], Cells(cells.expression[rows], cells.genes, cells.scale))


def _sample(labels: NDArray[Any], seed: int) -> NDArray[np.intp]:
    """At most 20,000 rows, sorted: of each label as many as of any other, the small ones whole."""
    return np.flatnonzero(balanced(labels, MOST_CELLS, seed)[0])


def _with_markers(
    tissue: Side, labels: NDArray[np.object_], source: str
) -> tuple[NDArray[np.object_], Side, pd.DataFrame]:
    """Markers of the tissue's types over its whole panel; groups without a name are called by their first two."""
    values, genes = matrix.load_csr(tissue.record.id)
    found = reckon.markers(log_normalise(values[tissue.rows], tissue.record.scale), tissue.labels, genes)
    if source != GROUPS:
        return labels, tissue, found
    first = found.groupby("type")["gene"].agg(lambda names: ", ".join(names[:_NAMED_BY]))
    called = {name: f"{name} ({marks})" for name, marks in first.items()}
    rename = np.vectorize(lambda name: called.get(name, name), otypes=[object])
    side = Side(tissue.record, tissue.rows, rename(tissue.labels), tissue.cells)
    return rename(labels), side, found.assign(type=found["type"].replace(called))


def _compare(tissue: Side, atlas: Side, seed: int) -> tuple[pd.DataFrame, float, pd.Series]:
    known = tissue.labels != UNSURE
    ours = reckon.profiles(tissue.logged[known], tissue.labels[known], reckon.FEWEST_CELLS)
    theirs = reckon.profiles(atlas.logged, atlas.labels, reckon.FEWEST_ATLAS_CELLS)
    if len(ours.names) < 2 or len(theirs.names) < 2:
        raise DataError(
            "Types cannot be compared.",
            f"Two types are needed on either side. {tissue.record.name} has {count(len(ours.names), 'type')} with at "
            f"least {count(reckon.FEWEST_CELLS, 'cell')}, {atlas.record.name} {count(len(theirs.names), 'type')} with "
            f"at least {count(reckon.FEWEST_ATLAS_CELLS, 'cell')}.",
            "Merge rare types under Cell names, name the cells anew, or bring more cells.",
        )
    depth = tissue.depth[tissue.depth > 0]
    depth = depth if tissue.record.scale == "counts" else np.array([_ASSUMED_DEPTH])
    thinned = reckon.thin(atlas.cells, depth, seed)
    own, f1 = reckon.own_likeness(atlas.cells, thinned, atlas.labels, seed)
    return reckon.likeness(ours, theirs, own, seed).table, own, f1


def _counterparts(
    labels: NDArray[np.object_], table: pd.DataFrame, named: pd.DataFrame, lost: set[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Per cell and per type: whether the atlas holds its like. lost: groups that the transfer cannot place.

    A type has no counterpart where its profile is too unlike, and is doubtful where the profile is alike but half of
    its cells lie in lost groups: between platforms the transfer loses types that are there. A cell has what its type
    has; one without a type of its own has what its group has."""
    cells = pd.DataFrame({"type": labels.astype(str)})
    cells["probability"] = named["probability"].to_numpy()
    cells["sure"] = (named["type"] != UNSURE).to_numpy()
    group_lost = named["group"].astype(str).isin(lost).to_numpy()
    gone = pd.Series(group_lost).groupby(cells["type"]).mean()
    types = table.assign(cells=table["type"].map(cells["type"].value_counts()))
    types["share"] = types["cells"] / len(cells)
    types["probability"] = types["type"].map(cells.groupby("type")["probability"].median())
    types["sure"] = types["type"].map(cells.groupby("type")["sure"].mean())
    types["counterpart"] = types["r"] >= types["limit"]
    doubt = np.where(types["type"].map(gone) >= DOUBT_FROM, "transfer", "")
    unlike = np.where(types["chance"] >= types["limit"], "chance", "profile")
    types["why"] = np.where(types["counterpart"], doubt, unlike)
    held = cells["type"].map(types.set_index("type")["counterpart"])
    cells["counterpart"] = held.where(held.notna(), pd.Series(~group_lost)).astype(bool)
    return cells, types.sort_values("cells", ascending=False, ignore_index=True)


def _present(types: pd.DataFrame, found: pd.DataFrame, shared: set[str]) -> pd.DataFrame:
    """With how many of each tissue type's markers are among the shared genes, and the names of both."""
    table = types.copy()
    listed = found.groupby("type")["gene"].agg(list)
    marks = [list(listed.get(name, ())) for name in table["type"]]
    table["markers"] = [len(names) for names in marks]
    table["present"] = [sum(name in shared for name in names) for names in marks]
    table["marker_genes"] = [", ".join(names) for names in marks]
    table["absent_genes"] = [", ".join(name for name in names if name not in shared) for names in marks]
    return table


def _atlas_types(atlas: Side, f1: pd.Series, plan: GenePlan) -> pd.DataFrame:
    """One row per atlas type: cells, its markers over the whole atlas, how many are on the panel, and F1."""
    values, genes = matrix.load_csr(atlas.record.id)
    found = reckon.markers(log_normalise(values[atlas.rows], atlas.record.scale), atlas.labels, genes)
    called = dict(zip(genes, plan.measured[atlas.record.id]))
    panel = set(plan.panel_genes)
    counts = pd.Series(atlas.labels.astype(str)).value_counts()
    table = pd.DataFrame({"type": counts.index, "cells": counts.to_numpy()})
    listed = found.groupby("type")["gene"].agg(list)
    marks = [list(listed.get(name, ())) for name in table["type"]]
    table["markers"] = [len(names) for names in marks]
    table["on_panel"] = [sum(called[name] in panel for name in names) for names in marks]
    table["f1"] = table["type"].map(f1)
    return table


def _facts(tissue: Side, atlas: Side, plan: GenePlan, params: dict[str, Any]) -> dict[str, Any]:
    around, loose = tissue.record, atlas.record
    panel = matrix.var(around.id).index
    lacking = sorted(set(map(str, panel)) - set(plan.panel_genes))
    return {
        "panel": len(panel),
        "shared": len(plan.panel_genes),
        "atlas_genes": loose.n_genes,
        "lacking": lacking[:MOST_NAMED],
        "lacking_more": max(0, len(lacking) - MOST_NAMED),
        "species": [around.species, loose.species],
        "tissue_cells": around.n_cells,
        "atlas_cells": loose.n_cells,
        "tissue_sample": len(tissue.rows),
        "atlas_sample": len(atlas.rows),
        "atlas_type_count": len(set(atlas.labels)),
        "grouped": params["tissue_types"] == GROUPS,
        "depth": {
            side.record.role if side is atlas else "tissue": float(np.median(side.depth))
            if side.record.scale == "counts" else None for side in (tissue, atlas)
        },
        "genes_per_cell": {
            "tissue": float(np.median(np.diff(tissue.cells.expression.indptr))),
            "reference": float(np.median(np.diff(atlas.cells.expression.indptr))),
        },
        "organs": _organs(around, loose),
    }  # fmt: skip


def _organs(around: DatasetRecord, loose: DatasetRecord) -> dict[str, list[str]]:
    """What both files say of the organ, where both say it and nothing agrees; else nothing."""
    said = []
    for record in (around, loose):
        table = matrix.obs(record.id, list(ORGAN_COLUMNS))
        said.append({str(value).strip().lower() for column in table for value in table[column].dropna().unique()})
    tissue, atlas = said
    alike = any(one in other or other in one for one in tissue for other in atlas)
    return {} if alike or not tissue or not atlas else {"tissue": sorted(tissue)[:5], "atlas": sorted(atlas)[:5]}


def _judged(
    facts: dict[str, Any], cells: pd.DataFrame, types: pd.DataFrame, genes: pd.DataFrame, f1: pd.Series
) -> dict[str, Any]:
    rank = spearmanr(genes["mean_tissue"], genes["mean_atlas"]).statistic
    parts = {
        "panel": facts["shared"] / max(facts["panel"], 1),
        "expression": max(float(np.nan_to_num(rank)), 0.0),
        "cells": float(cells["counterpart"].mean()),
        "names": float(cells["sure"].mean()),
        "types": float(np.nan_to_num(f1.mean())),
    }
    missing = types[~types["counterpart"]]
    listed = missing.drop(columns=["sure", "chance", "counterpart", "absent_genes"]).assign(
        marker_genes=missing["marker_genes"].str.split(", ").str[:5].str.join(", ")
    )
    told = {
        "fit": round(reckon.fit_score(parts), 1),
        "parts": {name: round(value, 3) for name, value in parts.items()},
        "r_genes": round(float(np.nan_to_num(rank)), 3),
        "counterpart": round(parts["cells"], 4),
        "doubtful": types[types["why"] == "transfer"]["type"].tolist(),
        "markers": int(types["markers"].sum()),
        "markers_present": int(types["present"].sum()),
        "types": len(types),
        "no_counterpart": [
            {key: None if value != value else value for key, value in row.items()}
            for row in listed.round(3).to_dict(orient="records")
        ],
    }
    return told | judge({**facts, **told})
