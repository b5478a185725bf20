"""What strangers may send. Each attack ends in one `DataError` that names the mend, before memory is taken."""

from __future__ import annotations

import gzip
import io
import json
import resource
import struct
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from backend.datasets.readers import read
from backend.datasets.safety.archives import unpack
from backend.errors import DataError
from tests.datasets.small_files import (
    make_adata,
    make_cells,
    tenx_members,
    write_h5ad,
    write_tar,
    write_tenx_h5,
    write_zip,
    zip_folder,
)

MAX_MB = 64


def refusal(*paths: Path) -> DataError:
    """The error, after a look that no memory was taken for it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError) as caught:
        read(list(paths), MAX_MB)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB
    assert caught.value.what
    assert caught.value.mend
    return caught.value


# HDF5


def test_external_link(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["values"] = np.arange(3)
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file["obsm/stolen"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/values")
    assert "link into another file" in refusal(tmp_path / "a.h5ad").what


def test_soft_link(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file["layers/again"] = h5py.SoftLink("/X")
    assert "symbolic link" in refusal(tmp_path / "a.h5ad").what


def test_hard_links_in_a_loop(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file["uns/loop"] = file["uns"]
    assert "deep" in refusal(tmp_path / "a.h5ad").what


def test_virtual_dataset(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        del file["X"]
        layout = h5py.VirtualLayout(shape=(6, 4), dtype="f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(6, 4))
        file.create_virtual_dataset("X", layout)
    assert "virtual" in refusal(tmp_path / "a.h5ad").what


def test_values_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(96))
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        del file["X"]
        file.create_dataset("X", (6, 4), "f4", external=[(str(tmp_path / "secret"), 0, 96)])
    assert "another file" in refusal(tmp_path / "a.h5ad").what


@pytest.mark.parametrize("place", ["X", "layers/big", "obs/big", "obsm/spatial", "raw/X", "uns/big", "X/data"])
def test_a_header_that_declares_a_million_millions(tmp_path: Path, place: str) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        if place in file:
            del file[place]
        shape = (10**12,) if place == "X/data" else (10**6, 10**6)
        file.create_dataset(place, shape, "f4", chunks=(1000,) * len(shape), compression="gzip")
    assert "would take" in refusal(tmp_path / "a.h5ad").what


def test_one_block_larger_than_all_of_the_data(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        file.create_dataset("obs/big", (6,), "f8", chunks=(10**8,), maxshape=(None,))
    assert "One block" in refusal(tmp_path / "a.h5ad").what


def test_many_layers_that_each_would_fit(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        first = file.create_dataset("layers/0", (1000, 4000), "f4", chunks=(100, 100), compression="gzip")
        for number in range(1, 10):
            file[f"layers/{number}"] = first  # one set of values under ten names
    assert "The whole file" in refusal(tmp_path / "a.h5ad").what


def test_a_filter_that_is_not_known(tmp_path: Path) -> None:
    with h5py.File(write_h5ad(tmp_path / "a.h5ad"), "a") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((6,))
        plan.set_filter(32099, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((6,))
        h5py.h5d.create(file["obs"].id, b"odd", h5py.h5t.NATIVE_FLOAT, space, plan)
    assert "32099" in refusal(tmp_path / "a.h5ad").why


@pytest.mark.parametrize("content", [b"", b"this is a text, not a file of counts\n", b"\x89HDF\r\n\x1a\n", bytes(4000)])
def test_what_only_has_the_name_of_an_h5ad(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.h5ad").write_bytes(content)
    refusal(tmp_path / "a.h5ad")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off(tmp_path: Path, share: float) -> None:
    content = write_h5ad(tmp_path / "whole.h5ad").read_bytes()
    (tmp_path / "a.h5ad").write_bytes(content[: int(len(content) * share)])
    assert "cannot be opened" in refusal(tmp_path / "a.h5ad").what


def test_another_kind_of_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["measurements"] = np.arange(3)
    assert "measurements" in refusal(tmp_path / "a.h5").why


def test_a_tenx_matrix_whose_indices_lead_outside(tmp_path: Path) -> None:
    with h5py.File(write_tenx_h5(tmp_path / "a.h5"), "a") as file:
        file["matrix/indices"][0] = 10**6
    assert "not a valid sparse matrix" in refusal(tmp_path / "a.h5").what


# Archives


@pytest.mark.parametrize(
    "name", ["../up.txt", "/etc/x", "a/../../x", "C:x", "a\\..\\x", "a/\x01b", "x" * 300, "a/" * 40]
)
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_a_name_that_leads_out_of_the_folder(tmp_path: Path, write, name: str) -> None:
    if name.endswith("/"):
        name += "x"
    path, inside = write(tmp_path / "a.zip", {name: b"content"}), tmp_path / "inside"
    with pytest.raises(DataError):
        unpack(path, inside, MAX_MB)
    assert sorted(tmp_path.iterdir()) == [path]  # nothing was written, inside or outside


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_device_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("matrix.mtx")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert "link or a device" in refusal(tmp_path / "a.tar.gz").what


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("matrix.mtx")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "link or a device" in refusal(tmp_path / "a.zip").what


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_what_unpacks_to_a_hundred_times_its_size(tmp_path: Path, write) -> None:
    assert "100 times" in refusal(write(tmp_path / "a.zip", {"matrix.mtx": bytes(20_000_000)})).what


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_what_unpacks_to_more_than_the_limit(tmp_path: Path, write) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1_200_000, dtype=np.uint8).tobytes()
    path = write(tmp_path / "a.zip", {"matrix.mtx": noise})
    with pytest.raises(DataError, match="would take"):
        read([path], max_mb=1)


def test_a_zip_that_names_the_same_bytes_many_times(tmp_path: Path) -> None:
    """Overlapping entries: each small, all together 100 times the archive."""
    path = write_zip(tmp_path / "a.zip", {"a": bytes(range(256)) * 400})
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(300):
            again = zipfile.ZipInfo(f"a{number}")
            first = archive.filelist[0]
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(again, field, getattr(first, field))
            archive.filelist.append(again)
        archive._didModify = True
    assert refusal(path)


def test_a_zip_with_a_password(tmp_path: Path) -> None:
    content = bytearray(write_zip(tmp_path / "a.zip", {"matrix.mtx": b"text"}).read_bytes())
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<H", content, directory + 8, 1)
    (tmp_path / "a.zip").write_bytes(content)
    assert "encrypted" in refusal(tmp_path / "a.zip").what


def test_a_tar_header_that_asks_for_all_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 8_000_000_000
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))
    assert "would take" in refusal(tmp_path / "a.tar.gz").what


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.datasets.safety.archives._MOST_FILES", 2)
    for write in (write_zip, write_tar):
        assert "too many files" in refusal(write(tmp_path / "a.zip", tenx_members())).what


def test_two_files_of_one_name(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("matrix.mtx"), io.BytesIO())
    refusal(tmp_path / "a.tar.gz")


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_an_archive_that_was_cut_off(tmp_path: Path, write, share: float) -> None:
    content = write(tmp_path / "whole", tenx_members()).read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: int(len(content) * share)])
    refusal(tmp_path / "a.zip")


def test_a_packed_file_inside_of_an_archive_is_counted_too(tmp_path: Path) -> None:
    bomb = gzip.compress(b"%" * 20_000_000)
    noise = np.random.default_rng(0).bytes(300_000)
    members = tenx_members() | {"matrix.mtx.gz": bomb, "noise": noise}
    refusal(write_zip(tmp_path / "a.zip", members))


# Zarr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    make_adata().write_zarr(tmp_path / "data.zarr")
    return tmp_path / "data.zarr"


def change_array(store: Path, place: str, **fields: object) -> None:
    path = next(path for path in (store / place / ".zarray", store / place / "zarr.json") if path.is_file())
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("codec", ["pickle", "json2", "msgpack2", "zfpy"])
@pytest.mark.parametrize("field", ["filters", "compressor", "codecs"])
def test_a_codec_that_may_run_programs(store: Path, tmp_path: Path, field: str, codec: str) -> None:
    named = {"id": codec, "name": codec}
    change_array(store, "X/data", **{field: named if field == "compressor" else [named]})
    assert repr(codec) in refusal(zip_folder(store, tmp_path / "a.zip")).what


def test_the_pickle_codec_of_format_3_inside_of_a_shard(store: Path, tmp_path: Path) -> None:
    inner = {"configuration": {"codecs": [{"name": "numcodecs.pickle"}]}, "name": "sharding_indexed"}
    content = {"shape": [6], "data_type": "float32", "codecs": [inner], "node_type": "array", "zarr_format": 3}
    (store / "obsm" / "more").mkdir()
    (store / "obsm" / "more" / "zarr.json").write_text(json.dumps(content))
    assert "pickle" in refusal(zip_folder(store, tmp_path / "a.zip")).what


@pytest.mark.parametrize("field", ["shape", "chunks"])
def test_a_zarr_array_that_declares_a_million_millions(store: Path, tmp_path: Path, field: str) -> None:
    change_array(store, "X/data", **{field: [10**12]})
    assert "would take" in refusal(zip_folder(store, tmp_path / "a.zip")).what


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, '{"shape": ["a"], "dtype": "<f4"}', '{"shape": [3], "dtype": []}']
)
def test_zarr_metadata_that_makes_no_sense(store: Path, tmp_path: Path, text: str) -> None:
    (store / "X" / "data" / ".zarray").write_text(text)
    refusal(zip_folder(store, tmp_path / "a.zip"))


def test_a_zarr_text_of_a_gigabyte_each(store: Path, tmp_path: Path) -> None:
    change_array(store, "X/data", dtype="<U250000000")
    assert "would take" in refusal(zip_folder(store, tmp_path / "a.zip")).what


def test_a_block_that_unpacks_to_gigabytes(store: Path, tmp_path: Path) -> None:
    """A zstd frame of run-length blocks: 190 kB for 6 GB of zeros, behind a header that declares 48 bytes."""
    n_blocks, block_bytes = 49_152, 131_072
    block, last = (struct.pack("<I", block_bytes << 3 | 1 << 1 | end)[:3] + b"\0" for end in (0, 1))
    frame = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", n_blocks * block_bytes) + block * (n_blocks - 1) + last
    change_array(store, "X/data", compressor={"id": "zstd", "level": 1})
    (store / "X" / "data" / "0").write_bytes(frame)
    assert "fill this machine's memory" in refusal(zip_folder(store, tmp_path / "a.zip")).what


def test_the_limit_of_memory_is_lifted_again(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    refusal(tmp_path / "nothing.h5ad")
    read([write_h5ad(tmp_path / "a.h5ad")], MAX_MB)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


# Tables


def test_a_parquet_table_with_a_long_text_many_times(tmp_path: Path) -> None:
    table = make_cells().iloc[[0] * 2000].assign(cell_id=[f"cell{n}" for n in range(2000)], note="x" * 100_000)
    table.to_parquet(tmp_path / "cells.parquet")
    assert (tmp_path / "cells.parquet").stat().st_size < 1_000_000
    assert "The column note" in refusal(write_tenx_h5(tmp_path / "a.h5"), tmp_path / "cells.parquet").what


def test_a_parquet_table_of_more_rows_than_fit(tmp_path: Path) -> None:
    pd.DataFrame({"x": np.zeros(5_000_000, dtype=np.int8)}).to_parquet(tmp_path / "cells.parquet")
    assert "would take" in refusal(write_tenx_h5(tmp_path / "a.h5"), tmp_path / "cells.parquet").what


def test_a_parquet_table_that_was_cut_off(tmp_path: Path) -> None:
    make_cells().to_parquet(tmp_path / "cells.parquet")
    content = (tmp_path / "cells.parquet").read_bytes()
    (tmp_path / "cells.parquet").write_bytes(content[:-100])
    refusal(write_tenx_h5(tmp_path / "a.h5"), tmp_path / "cells.parquet")


# Kinds that are not read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.rds", b"RDX3\nX\n"),
        ("seurat.RDS", gzip.compress(b"X\n\x00\x00\x00\x03" + bytes(500), mtime=0)),
        ("renamed.csv.gz", gzip.compress(b"X\n\x00\x00\x00\x03" + bytes(500), mtime=0)),
    ],
)
def test_r_objects_name_the_way_to_convert_them(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    said = refusal(tmp_path / name).mend.splitlines()
    assert len(said) == 4  # a sentence, and three lines to paste
    assert f'readRDS("{name}")' in said[2]
    assert said[3].startswith("anndataR::write_h5ad(object, ")


@pytest.mark.parametrize(
    ("name", "read"), [("a.h5Seurat", "LoadH5Seurat"), ("a.RData", "get(load("), ("a.qs", "qread")]
)
def test_each_kind_of_r_file_is_read_in_its_own_way(tmp_path: Path, name: str, read: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    said = refusal(tmp_path / name).mend.splitlines()
    assert read in said[2]
    assert f'"{name}"' in said[2]
    assert said[3] == 'anndataR::write_h5ad(object, "a.h5ad")'


@pytest.mark.parametrize("name", ["a.pkl", "a.npy", "a.xlsx", "a", "a.csv", "a.zip", "a.tar.gz"])
def test_unknown_kinds_name_the_accepted_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04\x95\x00\x00\xff\xfe" * 50)
    assert ".h5ad" in refusal(tmp_path / name).mend


def test_folders_missing_files_and_too_many(tmp_path: Path) -> None:
    path = write_h5ad(tmp_path / "a.h5ad")
    assert "is a folder" in refusal(tmp_path).what
    assert "not there" in refusal(tmp_path / "nothing.h5ad").what
    assert "3 files" in refusal(path, write_h5ad(tmp_path / "b.h5ad"), write_h5ad(tmp_path / "c.h5ad")).what
    assert "files were given" in refusal(path, path).what


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    refusal(write_zip(tmp_path / "a.zip", {"readme.txt": b"no counts"}))
    read([write_zip(tmp_path / "b.zip", tenx_members())], MAX_MB)
    assert list((tmp_path / "temporary").iterdir()) == []
