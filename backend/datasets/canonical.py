"""The canonical form of a data set, and how it is written: whole, immutable, named by its content.

datasets/<id>/ holds `data.zarr` (a valid AnnData store, zarr v3, with the matrix by cell and by gene), `obs.parquet`,
`var.parquet`, `excluded.parquet` and `record.json`. `backend.store.matrix` reads them without anndata.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import linear
from backend.records import DatasetRecord, Finding, GeneIds, Recipe, Role, Scale, Species
from backend.store import layout

OBS_NAMES = ("type", "section", "sample", "patient", "condition")
MEASURES = ("area_um2", "control_share", "mito_share")  # what cells are judged by beside counts and genes
_MITOCHONDRIAL = r"(?i)^mt-"  # the 13 genes of the mitochondrion itself, in human and mouse
CHUNK = 65_536  # stored values per chunk: one gene of 100,000 cells touches one or two


@dataclass(frozen=True)
class Canonical:
    """What the doctor lets through. values: n_cells x n_genes CSR float32 >= 0, sorted, without stored zeros.

    genes: index "gene", columns symbol and ensembl. obs: index "cell", those of `OBS_NAMES` that are known, then other
    small columns of the file. coordinates_um: n_cells x 2, None for a reference. excluded: name, kind, total.
    columns: canonical name -> the column it was read from. measures: area_um2 and control_share, where they are known.
    umap: n_cells x 2 of a version, whose cells keep their places; parent, recipe and left_out are a version's too.
    """

    values: csr_matrix
    genes: pd.DataFrame
    obs: pd.DataFrame
    role: Role
    species: Species
    gene_ids: GeneIds
    scale: Scale
    counts_from: str
    excluded: pd.DataFrame
    coordinates_um: NDArray[np.float64] | None = None
    um_per_unit: float | None = None
    spots: bool = False
    columns: dict[str, str] = field(default_factory=dict)
    neighbour_um: float | None = None
    findings: tuple[Finding, ...] = ()
    source: str = ""
    measures: pd.DataFrame | None = None
    umap: NDArray[np.float32] | None = None
    parent: str | None = None
    recipe: Recipe | None = None
    left_out: tuple[str, ...] = ()


def fingerprint(data: Canonical) -> str:
    """SHA-256 over role, scale, matrix, genes, coordinates and the canonical columns of obs. Names, findings,
    measures and embeddings do not count: the same measurements have the same fingerprint."""
    sha = hashlib.sha256(f"{data.role}|{data.scale}|{data.species}|{data.spots}|{data.values.shape}".encode())
    for part in (data.values.data, data.values.indices.astype(np.int32), data.values.indptr.astype(np.int64)):
        sha.update(np.ascontiguousarray(part).tobytes())
    if data.coordinates_um is not None:
        sha.update(np.ascontiguousarray(data.coordinates_um, dtype=np.float64).tobytes())
    texts = [data.genes.index, data.obs.index, *(data.obs[name] for name in OBS_NAMES if name in data.obs)]
    for text in texts:
        sha.update("\x1f".join(map(str, text)).encode() + b"\x1e")
    return sha.hexdigest()


def write(data: Canonical, name: str, *, simulated: bool = False) -> DatasetRecord:
    """Write datasets/<id>/ and return its record. What is there already is left as it is, and its record returned."""
    print_ = fingerprint(data)
    folder = layout.dataset_folder(f"d-{print_[:12]}")
    if (folder / "record.json").exists():
        return DatasetRecord.model_validate(layout.read_json(folder / "record.json"))
    umap, noted = _embed(data)
    record = DatasetRecord(
        id=folder.name,
        fingerprint=print_,
        name=name,
        role=data.role,
        n_cells=data.values.shape[0],
        n_genes=data.values.shape[1],
        species=data.species,
        gene_ids=data.gene_ids,
        scale=data.scale,
        counts_from=data.counts_from,
        um_per_unit=data.um_per_unit,
        spots=data.spots,
        columns=data.columns,
        has_types="type" in data.obs,
        sections=tuple(sorted(set(data.obs["section"].astype(str)))) if "section" in data.obs else (),
        neighbour_um=data.neighbour_um,
        findings=(*data.findings, *noted),
        simulated=simulated,
        source=data.source,
        parent=data.parent,
        recipe=data.recipe,
        left_out=data.left_out,
    )
    obs, var = _cell_table(data, umap), _gene_table(data)
    with layout.whole_folder(folder) as partial:
        _write_zarr(partial / "data.zarr", data, obs, var, umap)
        obs.to_parquet(partial / "obs.parquet")
        var.to_parquet(partial / "var.parquet")
        data.excluded.to_parquet(partial / "excluded.parquet")
        layout.write_json(partial / "record.json", record.model_dump(mode="json"))
    return record


def _cell_table(data: Canonical, umap: NDArray[np.float32] | None) -> pd.DataFrame:
    table = pd.DataFrame(index=pd.Index(data.obs.index.astype(str), name="cell"))
    for name in OBS_NAMES:
        if name in data.obs:
            table[name] = pd.Categorical(data.obs[name].astype(str).to_numpy())
    table["counts"] = np.asarray(linear(data.values, data.scale).sum(axis=1), dtype=np.float32).ravel()
    table["genes"] = np.diff(data.values.indptr).astype(np.int32)
    for name, values in _measured(data).items():
        table[name] = values
    if data.coordinates_um is not None:
        table["x_um"], table["y_um"] = data.coordinates_um.T
    if umap is not None:
        table["umap_1"], table["umap_2"] = umap.T
    for column in map(str, data.obs):
        if column not in OBS_NAMES:
            table[column if column not in table else f"file_{column}"] = data.obs[column].array
    return table


def _measured(data: Canonical) -> dict[str, NDArray[np.float32]]:
    """What is known of `MEASURES`. mito_share: of a cell's counts, if any mitochondrial gene was measured."""
    given = data.measures if data.measures is not None else pd.DataFrame()
    found = {name: given[name].to_numpy(dtype=np.float32) for name in MEASURES if name in given}
    ours = data.genes["symbol"].fillna("").astype(str).str.contains(_MITOCHONDRIAL).to_numpy()
    if ours.any():
        plain = linear(data.values, data.scale)
        total, part = (np.asarray(v.sum(axis=1), dtype=np.float64).ravel() for v in (plain, plain[:, ours]))
        found["mito_share"] = np.divide(part, total, out=np.zeros_like(total), where=total > 0).astype(np.float32)
    return found


def _gene_table(data: Canonical) -> pd.DataFrame:
    n_cells = max(1, data.values.shape[0])
    table = data.genes[["symbol", "ensembl"]].astype("string")
    table.index = pd.Index(table.index.astype(str), name="gene")
    table["detection"] = (np.bincount(data.values.indices, minlength=len(table)) / n_cells).astype(np.float32)
    table["mean"] = np.asarray(data.values.mean(axis=0), dtype=np.float32).ravel()
    table["is_panel"] = data.role != "reference"
    return table


def _write_zarr(
    path: Path, data: Canonical, obs: pd.DataFrame, var: pd.DataFrame, umap: NDArray[np.float32] | None
) -> None:
    import anndata
    import zarr
    from anndata.experimental import write_dispatched

    obsm = {"spatial": data.coordinates_um, "X_umap": umap}
    text = var.assign(**{column: var[column].fillna("").astype(object) for column in ("symbol", "ensembl")})
    adata = anndata.AnnData(
        X=data.values,
        obs=obs,
        var=text,
        obsm={key: value for key, value in obsm.items() if value is not None},
        layers={"by_gene": data.values.tocsc()},
    )
    adata.strings_to_categoricals()

    def chunked(write: Any, store: Any, key: str, element: Any, *, dataset_kwargs: Any, iospec: Any) -> None:
        sparse = iospec.encoding_type in ("csr_matrix", "csc_matrix")
        write(store, key, element, dataset_kwargs={**dataset_kwargs, "chunks": (CHUNK,)} if sparse else dataset_kwargs)

    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    with anndata.settings.override(auto_shard_zarr_v3=False):
        write_dispatched(group, "/", adata, callback=chunked)


def _embed(data: Canonical) -> tuple[NDArray[np.float32] | None, tuple[Finding, ...]]:
    """A UMAP for a reference; a tissue is drawn by its coordinates. A version's is its parent's."""
    from backend.datasets.expression import UMAP_CELLS, umap

    if data.role != "reference" or data.parent:
        return data.umap, ()
    points = umap(data.values, data.scale)
    if points is None:
        what = "The data set is too small for a UMAP; its cells are listed without one."
        return None, (Finding(grade="noted", code="no-umap", what=what),)
    if len(points) <= UMAP_CELLS:
        return points, ()
    what = f"The UMAP shows {UMAP_CELLS:,} of {len(points):,} cells, drawn at random (seed 0)."
    return points, (Finding(grade="noted", code="umap-sample", what=what, why="More would take minutes."),)
