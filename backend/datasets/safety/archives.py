"""Unpack zip and tar archives: regular files only, inside the folder, up to a size."""

from __future__ import annotations

import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, cast

from backend.datasets.safety.limits import check_size
from backend.datasets.safety.streams import check_ratio, open_raw
from backend.errors import DataError

_MOST_FILES = 200_000
_DEEPEST = 24
_LONGEST_NAME = 200
_JUNK = ("__MACOSX", ".DS_Store")
_PICTURES = ("images", "labels")  # of a SpatialData folder: large, and not read
_AGAIN = "Pack the folder itself once more with an ordinary zip program."


def unpack(path: Path, folder: Path, max_mb: int) -> None:
    """Unpack a zip, tar or tar.gz into an empty folder. Raises `DataError` for names that lead out of it, for links,
    devices, encryption, too many files, more than `max_mb`, and more than 100 times the archive's size."""
    try:
        if zipfile.is_zipfile(path):
            _unpack_zip(path, folder, max_mb)
        else:
            _unpack_tar(path, folder, max_mb)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError) as error:
        why = f"It is cut off or damaged ({error})."
        raise DataError(f"{path.name} cannot be unpacked.", why, "Copy or download the file once more.") from error


def _unpack_zip(path: Path, folder: Path, max_mb: int) -> None:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check_count(len(members), path)
        wanted = [(member, _plain_name(member.filename)) for member in members]
        for member in members:
            _check_zip_member(member)
        check_ratio(sum(member.file_size for member in members), path.stat().st_size, path.name)
        wanted = [(member, name) for member, name in wanted if not _is_needless(name)]
        check_size(sum(member.file_size for member, _ in wanted), max_mb, path.name)
        for member, name in wanted:
            with archive.open(member) as source:  # never gives more than the size it declares
                _write(source, folder, name)


def _check_zip_member(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 0x1:
        raise DataError(f"{member.filename} in this archive is encrypted.", "", "Pack it without a password.")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise _special(member.filename)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{member.filename} is packed in an unusual way.", "Only deflate is read.", _AGAIN)


def _unpack_tar(path: Path, folder: Path, max_mb: int) -> None:
    # Through a stream that counts, so that each byte is unpacked once, headers included.
    with open_raw(path, max_mb) as stream, tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as archive:
        for count, member in enumerate(archive, start=1):
            _check_count(count, path)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise _special(member.name)
            name = _plain_name(member.name)
            source = archive.extractfile(member)
            if source is not None and not _is_needless(name):
                _write(source, folder, name)


def _plain_name(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    unusual = path.is_absolute() or ".." in path.parts or "\\" in name or re.match(r"[A-Za-z]:|.*[\x00-\x1f]", name)
    if unusual or not path.parts:
        raise DataError(
            f"This archive holds a file that would land outside of its folder ({name!r}).",
            "Only plain names inside the archive are unpacked.",
            _AGAIN,
        )
    if len(path.parts) > _DEEPEST or max(map(len, path.parts)) > _LONGEST_NAME:
        raise DataError("This archive holds folders that are too deep or names that are too long.", name[:80], _AGAIN)
    return path


def _is_needless(name: PurePosixPath) -> bool:
    inside = name.parts[1:] if name.parts[0].endswith(".zarr") else name.parts
    return any(part in _JUNK or part.startswith("._") for part in name.parts) or inside[:1] in [(p,) for p in _PICTURES]


def _check_count(count: int, path: Path) -> None:
    if count > _MOST_FILES:
        raise DataError(f"{path.name} holds too many files.", f"More than {_MOST_FILES:,}.", "Leave images out of it.")


def _special(name: str) -> DataError:
    return DataError(f"{name} in this archive is a link or a device.", "Only regular files are unpacked.", _AGAIN)


def _write(source: IO[bytes], folder: Path, name: PurePosixPath) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:  # "x": a second file of the same name is refused
        shutil.copyfileobj(source, file, 1 << 20)
