"""Small files in each format, written the way the original programs write them."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

GENES = ["ACTB", "EPCAM", "CD3E", "MS4A1"]
CELLS = [f"cell{number}-1" for number in range(6)]
COUNTS = np.array(
    [[5, 0, 1, 0], [0, 2, 0, 0], [3, 0, 0, 7], [1, 1, 1, 1], [0, 0, 4, 0], [9, 0, 0, 2]], dtype=np.float32
)
COUNTS.setflags(write=False)  # shared by all tests
PLACES = np.column_stack([np.arange(6) * 10.0, np.arange(6) * 5.0 + 1])


def make_adata() -> anndata.AnnData:
    adata = anndata.AnnData(
        csr_matrix(COUNTS), obs=pd.DataFrame({"kind": list("aabbcc")}, index=CELLS), var=pd.DataFrame(index=GENES)
    )
    adata.obsm["spatial"] = PLACES
    return adata


def write_h5ad(path: Path) -> Path:
    make_adata().write_h5ad(path)
    return path


def write_tenx_h5(path: Path, cells: list[str] = CELLS) -> Path:
    """Format 3 with two control probes behind the genes."""
    names = [*GENES, "NegControlProbe_1", "antisense_2"]
    kinds = ["Gene Expression"] * 4 + ["Negative Control Probe", "Negative Control Codeword"]
    counts = csr_matrix(np.hstack([COUNTS, np.full((6, 1), 2), np.ones((6, 1))]))
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(cells, dtype="S20")
        group["data"], group["indices"], group["indptr"] = counts.data.astype("i4"), counts.indices, counts.indptr
        group["shape"] = np.array([6, 6], dtype="i4")
        group["features/id"] = np.array([f"ENSG{number:011d}" for number in range(6)], dtype="S20")
        group["features/name"] = np.array(names, dtype="S30")
        group["features/feature_type"] = np.array(kinds, dtype="S30")
    return path


def write_tenx_h5_of_version_2(path: Path) -> Path:
    counts = csr_matrix(COUNTS)
    with h5py.File(path, "w") as file:
        group = file.create_group("GRCh38")
        group["barcodes"], group["gene_names"] = np.array(CELLS, dtype="S20"), np.array(GENES, dtype="S20")
        group["genes"] = np.array([f"ENSG{number:011d}" for number in range(4)], dtype="S20")
        group["data"], group["indices"], group["indptr"] = counts.data, counts.indices, counts.indptr
        group["shape"] = np.array([4, 6])
    return path


def tenx_members(prefix: str = "") -> dict[str, bytes]:
    """matrix.mtx.gz, barcodes.tsv.gz, features.tsv.gz; the last feature is an antibody."""
    stream = io.BytesIO()
    mmwrite(stream, csr_matrix(np.hstack([COUNTS, np.full((6, 1), 2)]).T.astype(int)))
    features = [f"ENSG{n}\t{gene}\tGene Expression" for n, gene in enumerate(GENES)] + ["AB1\tCD3\tAntibody Capture"]
    texts = {
        "matrix.mtx.gz": stream.getvalue(),
        "barcodes.tsv.gz": "\n".join(CELLS).encode() + b"\n",
        "features.tsv.gz": "\n".join(features).encode() + b"\n",
    }
    return {prefix + name: gzip.compress(content) for name, content in texts.items()}


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zip_folder(folder: Path, path: Path) -> Path:
    """The folder with its own name inside, as most zip programs do."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent).as_posix())
    return path


def make_cells() -> pd.DataFrame:
    """A Xenium run's table of cells."""
    return pd.DataFrame(
        {
            "cell_id": CELLS,
            "x_centroid": PLACES[:, 0],
            "y_centroid": PLACES[:, 1],
            "transcript_counts": COUNTS.sum(axis=1).astype(int),
            "cell_area": np.arange(6) + 40.5,
        }
    )
