"""AnnData, from an HDF5 file or a zarr store."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.datasets.raw import Raw
from backend.datasets.readers.elements import is_group, read_frame, read_matrices, read_places
from backend.records import Answers

_SPOT_UM = 65.0  # Space Ranger writes the diameter of "a theoretical 65 um spot" in pixels


def read_anndata(store: Any, source: str) -> Raw:
    """All matrices, tables and coordinates. `store`: an h5py or zarr group in AnnData's layout, checked before."""
    obs, notes = read_frame(store["obs"], "obs")
    var, more = read_frame(store["var"], "var")
    raw = Raw(source, read_matrices(store, obs, var), obs, read_places(store, obs), notes=notes + more)
    _add_visium(raw, store)
    return raw


def _add_visium(raw: Raw, store: Any) -> None:
    """Scanpy and Squidpy keep Space Ranger's scale under uns/spatial/LIBRARY/scalefactors."""
    libraries = store.get("uns/spatial")
    if not is_group(libraries) or "obsm/spatial" not in raw.coordinates:
        return
    for name in libraries:
        diameter = libraries.get(f"{name}/scalefactors/spot_diameter_fullres")
        pixels = float(np.asarray(diameter[()])) if diameter is not None and diameter.shape == () else 0.0
        if 0 < pixels < np.inf:
            raw.hints = Answers(unit="px", um_per_px=_SPOT_UM / pixels, spots=True)
            reason = f"Space Ranger's scale in uns['spatial']: a 65 um spot is {pixels:.1f} pixels wide."
            raw.reasons |= dict.fromkeys(("unit", "um_per_px", "spots"), reason)
            return
