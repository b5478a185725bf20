"""What 10x Genomics' pipelines write: one `.h5`, or a folder with matrix.mtx, barcodes.tsv and features.tsv."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from backend.datasets.raw import Matrix, Raw
from backend.datasets.readers.elements import build_sparse
from backend.datasets.safety.limits import check_size
from backend.datasets.safety.streams import open_bytes
from backend.errors import DataError

_GENES = "Gene Expression"
_BACKGROUND = "control|codeword"  # Negative Control Probe, Unassigned Codeword, ...; antibodies measure something
_AGAIN = "Take the file as Cell Ranger, Space Ranger or the instrument wrote it."


def is_tenx(file: Any) -> bool:
    """Whether an open HDF5 file looks like 10x's format 3 ("matrix") or 2 (a group per genome)."""
    return "matrix" in file or bool(_genomes(file))


def _genomes(file: Any) -> list[str]:
    return [name for name in file if hasattr(file[name], "keys") and {"barcodes", "gene_names"} <= set(file[name])]


def read_tenx_h5(file: Any, source: str) -> Raw:
    """`filtered_feature_bc_matrix.h5`, `cell_feature_matrix.h5`, or the older kind with a group per genome.
    `file`: an HDF5 file that was checked."""
    names = ["matrix"] if "matrix" in file else _genomes(file)
    if len(names) != 1:
        raise DataError(
            f"{source} does not hold one matrix.", f"Its genomes: {', '.join(names)}.", "Export one genome."
        )
    group = file[names[0]]
    table = group.get("features", group)
    columns = {"gene_ids": ("id", "genes"), "feature_types": ("feature_type",), "genome": ("genome",)}
    found = {name: _texts(table, keys) for name, keys in columns.items()}
    labels = _texts(table, ("name", "gene_names"))
    features = pd.DataFrame({name: values for name, values in found.items() if values is not None}, index=labels)
    barcodes = pd.Index(_texts(group, ("barcodes",)) or [])
    # Stored as genes x cells by column, which is cells x genes by row.
    values = build_sparse(group, "matrix", (len(barcodes), len(features)), by_column=False)
    return split_features(source, values, features, barcodes)


def _texts(group: Any, names: tuple[str, ...]) -> list[str] | None:
    for name in names:
        if name in group:
            return [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in group[name][:]]
    return None


def split_features(source: str, values: csr_matrix, features: pd.DataFrame, barcodes: pd.Index) -> Raw:
    """Keep genes as the matrix; set control probes, codewords and antibodies aside with their totals."""
    obs = pd.DataFrame(index=barcodes.astype(object))
    if "feature_types" not in features:
        return Raw(source, {"X": Matrix(values, features)}, obs)
    is_gene = (features["feature_types"] == _GENES).to_numpy()
    if not is_gene.any():
        kinds = ", ".join(sorted(set(features["feature_types"].astype(str)))[:6])
        raise DataError(f"{source} holds no gene expression.", f"Its features are: {kinds or 'none'}.", _AGAIN)
    totals = np.asarray(values.sum(axis=0, dtype=np.float64)).ravel()
    excluded: dict[str, float] = {}
    for name, total in zip(features.index[~is_gene], totals[~is_gene], strict=True):
        excluded[name] = excluded.get(name, 0.0) + float(total)
    genes = {"X": Matrix(values[:, is_gene], features[is_gene])}
    background = features["feature_types"].astype(str).str.lower().str.contains(_BACKGROUND).to_numpy()
    controls = np.asarray(values[:, background].sum(axis=1, dtype=np.float64)).ravel() if background.any() else None
    return Raw(source, genes, obs, excluded=excluded, controls=controls)


def find_matrix_files(folder: Path) -> list[Path]:
    """matrix.mtx or matrix.mtx.gz, also with a prefix such as GSM123_."""
    return sorted(path for path in folder.rglob("*") if path.name.endswith(("matrix.mtx", "matrix.mtx.gz")))


def read_tenx_folder(folder: Path, source: str, max_mb: int) -> Raw:
    """The only matrix folder below `folder`, or the one called filtered."""
    files = find_matrix_files(folder)
    filtered = [path for path in files if "filtered" in path.relative_to(folder).as_posix()]
    if len(files) > 1 and len(filtered) != 1:
        why = f"It holds {len(files)} of them."
        raise DataError(f"{source} does not hold one matrix.", why, "Pack one matrix folder per archive.")
    path = filtered[0] if len(files) > 1 else files[0]
    prefix = path.name[: path.name.index("matrix.mtx")]
    barcodes = _read_lines(path.parent, (f"{prefix}barcodes.tsv",), max_mb)
    table = _read_lines(path.parent, (f"{prefix}features.tsv", f"{prefix}genes.tsv"), max_mb)
    names = table[1] if 1 in table else table[0]
    features = pd.DataFrame({"gene_ids": table[0].to_numpy()}, index=pd.Index(names, dtype=object, name=None))
    if 2 in table:
        features["feature_types"] = table[2].to_numpy()
    values = _read_matrix_market(path, (len(features), len(barcodes)), max_mb)
    return split_features(source, values, features, pd.Index(barcodes[0], dtype=object, name=None))


def _read_lines(folder: Path, names: tuple[str, ...], max_mb: int) -> pd.DataFrame:
    for name in (f"{name}{end}" for name in names for end in (".gz", "")):
        if (folder / name).is_file():
            with open_bytes(folder / name, max_mb) as stream:
                return pd.read_csv(stream, sep="\t", header=None, dtype=str, quoting=3, keep_default_na=False)
    raise DataError(f"There is no {' or '.join(names)} beside the matrix.", "10x writes three files.", _AGAIN)


def _read_matrix_market(path: Path, shape: tuple[int, int], max_mb: int) -> csr_matrix:
    """cells x features. The header is checked first: a reader would reserve whatever it declares."""
    from scipy.io import mmread

    with open_bytes(path, max_mb) as stream:
        banner = stream.readline(1000).decode(errors="replace").lower().split()
        line = stream.readline(10_000)
        while line.startswith(b"%") or (line and not line.strip()):
            line = stream.readline(10_000)
    sizes = [int(part) for part in line.split() if part.isdigit()]
    kinds = banner[1:]
    if kinds[:2] != ["matrix", "coordinate"] or kinds[2:] not in (["integer", "general"], ["real", "general"]):
        why = f"Its first line says {' '.join(kinds) or 'nothing'}."
        raise DataError(f"{path.name} is not a sparse matrix of real numbers.", why, _AGAIN)
    if len(sizes) != 3 or tuple(sizes[:2]) not in (shape, shape[::-1]):
        why = f"It declares {sizes[:2]}; there are {shape[0]:,} features and {shape[1]:,} barcodes."
        raise DataError(f"{path.name} does not fit its features and barcodes.", why, _AGAIN)
    check_size(sizes[2] * 16, max_mb, path.name)
    with open_bytes(path, max_mb) as stream:
        matrix = mmread(stream)
    by_cells = matrix if tuple(sizes[:2]) != shape else matrix.T
    return csr_matrix(by_cells, dtype=np.float32)
