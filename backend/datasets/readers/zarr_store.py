"""Zarr stores that were unpacked into a folder: SpatialData and plain AnnData."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.datasets.raw import Raw
from backend.datasets.readers.anndata_store import read_anndata
from backend.datasets.readers.cell_tables import keep_cells
from backend.datasets.safety.parquet import check_parquet
from backend.datasets.safety.zarr_metadata import check_zarr
from backend.errors import DataError

_AGAIN = "Write the store again with SpatialData or AnnData (`write_zarr`) and zip the folder."


def find_zarr_root(folder: Path) -> Path | None:
    """The topmost folder that is a zarr group."""
    groups = [path.parent for name in ("zarr.json", ".zgroup") for path in folder.rglob(name)]
    return min(groups, key=lambda path: (len(path.parts), path.as_posix())) if groups else None


def read_zarr(root: Path, source: str, max_mb: int) -> Raw:
    """An AnnData store, or the first table of a SpatialData store with the centroids of what it annotates."""
    import zarr

    check_zarr(root, max_mb)
    # Only the metadata beside each array counts: that of the root may be a stale copy.
    store = zarr.open_group(str(root), mode="r", use_consolidated=False)
    if "obs" in store and "var" in store:
        return read_anndata(store, source)
    tables = [f"{place}/{name}" for place in ("tables", "table") for name in _names(store, place)]
    if not tables:
        raise DataError(f"{source} holds no table of counts.", "Neither AnnData nor a SpatialData table.", _AGAIN)
    table = store[tables[0]]
    raw = read_anndata(table, source)
    if len(tables) > 1:
        raw.notes.append(f"Of {len(tables)} tables, {tables[0]} was read.")
    if not any(name.startswith("obsm/") for name in raw.coordinates):
        raw = _add_centroids(raw, root, table.attrs, max_mb)
    return raw


def _names(store: Any, place: str) -> list[str]:
    return sorted(store[place].keys()) if place in store else []


def _add_centroids(raw: Raw, root: Path, attributes: Any, max_mb: int) -> Raw:
    """Coordinates from the shapes or points that the table names, joined by region and instance key."""
    region_key, instance_key = str(attributes.get("region_key")), str(attributes.get("instance_key"))
    if not {region_key, instance_key} <= set(raw.obs.columns):
        return raw
    centroids = np.full((len(raw.obs), 2), np.nan)
    regions = raw.obs[region_key].astype(str)
    for region in regions.unique():
        table = _read_centroids(root, region, max_mb)
        if table is None:
            raw.notes.append(f"The cells of {region!r} have no shapes or points that could be read.")
            continue
        here = (regions == region).to_numpy()
        ids = raw.obs.loc[here, instance_key].astype(str)
        centroids[here] = table[~table.index.duplicated()].reindex(ids).to_numpy()
    placed = np.isfinite(centroids).all(axis=1)
    if not placed.any():
        return raw
    raw.coordinates = {"shapes/centroids": centroids} | raw.coordinates
    if not placed.all():
        raw.notes.append(f"{(~placed).sum():,} of {placed.size:,} cells have no shape: left out.")
        raw = keep_cells(raw, placed)
    if regions.nunique() > 1:
        raw.hints = raw.hints.model_copy(update={"section_column": region_key})
        raw.reasons["section_column"] = "The table annotates several regions."
    return raw


def _read_centroids(root: Path, region: str, max_mb: int) -> pd.DataFrame | None:
    """x, y in the element's own coordinates; index: the instance ids as text."""
    # The region's name is data: it only chooses among the folders that are there.
    element = {path.name: path for place in ("shapes", "points") for path in root.glob(f"{place}/*")}.get(region)
    if element is None:
        return None
    if (element / "shapes.parquet").is_file():
        import geopandas

        check_parquet(element / "shapes.parquet", max_mb)
        shapes = geopandas.read_parquet(element / "shapes.parquet")
        centroids = shapes.geometry.centroid
        return pd.DataFrame({"x": centroids.x.to_numpy(), "y": centroids.y.to_numpy()}, index=shapes.index.astype(str))
    parts = sorted((element / "points.parquet").glob("*.parquet"))
    for part in parts:
        check_parquet(part, max_mb)
    if not parts:
        return None
    points = pd.concat([pd.read_parquet(part, columns=["x", "y"]) for part in parts])
    return points.set_axis(points.index.astype(str), axis=0)
