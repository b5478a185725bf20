"""Gene sets: the library that comes with a dependency, or a GMT file that somebody brings."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backend.analysis.themes import themes
from backend.errors import DataError, NotFound

# Name -> file in blitzgsea's package data, which is read without importing it. (Its KEGG file is left: KEGG's terms.)
GO = "GO Biological Process 2023"
THEMES = "SCXM’s Table 1, as GO terms"  # chosen from the same file
LIBRARIES = {GO: "GO_Biological_Process_2023", THEMES: "GO_Biological_Process_2023"}
MOST_BYTES = 64 * 2**20
MOST_SETS = 100_000
_SHOWN = 8


@dataclass(frozen=True)
class GeneSets:
    """name -> genes, each once, in the file's order. notes: what was mended, in sentences."""

    sets: dict[str, tuple[str, ...]]
    name: str
    notes: tuple[str, ...] = ()


def load(library_or_path: str) -> GeneSets:
    """A library by its name, or a GMT file by its path. Raises NotFound, DataError."""
    if library_or_path not in LIBRARIES:
        path = Path(library_or_path)
        if not path.is_file():
            known = ", ".join(LIBRARIES)
            raise NotFound(f"There are no gene sets {path.name!r}.", f"Known are {known}.", "Or name a GMT file.")
        return read_gmt(path)
    package = find_spec("blitzgsea")
    if package is None or package.origin is None:
        raise NotFound(
            f"{library_or_path} is not installed.", "It comes with the package blitzgsea.", "Run `make setup`."
        )
    found = read_gmt(Path(package.origin).parent / "data" / LIBRARIES[library_or_path])
    return GeneSets(themes(found.sets) if library_or_path == THEMES else found.sets, library_or_path)


def read_gmt(path: Path) -> GeneSets:
    """A GMT file: per line a name, a description, and genes, separated by tabs.

    Empty lines and sets without genes (published collections hold some) are skipped, and sets of the same name joined;
    all is told. Raises DataError, with the numbers of the lines, where most lines have no genes (no tabs, say), and for
    a file that is no text or too large."""
    lines = _text(path).splitlines()
    sets: dict[str, dict[str, None]] = {}
    empty, broken, joined = [], [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            empty.append(number)
            continue
        name, *rest = (part.strip() for part in line.split("\t"))
        # Enrichr writes a weight after a comma.
        genes = [part.partition(",")[0] for part in rest[1:] if part]
        if not name or not genes:
            broken.append(number)
            continue
        if name in sets:
            joined.append(number)
        sets.setdefault(name, {}).update(dict.fromkeys(genes))
    if len(broken) > len(sets):
        raise DataError(
            f"{path.name} is not a GMT file as it stands: {_count(broken, 'line')} without genes ({_numbers(broken)}).",
            "Each line needs a name, a description (it may be empty) and at least one gene, separated by tabs.",
            "Mend or remove these lines, and check that the file was saved with tabs, not spaces or commas.",
        )
    if not sets:
        raise DataError(f"{path.name} holds no gene sets.", "All of its lines are empty.", "Choose another GMT file.")
    if len(sets) > MOST_SETS:
        raise DataError(
            f"{path.name} holds {len(sets):,} sets.", f"At most {MOST_SETS:,} are tested.", "Split the file."
        )
    notes = []
    if empty:
        notes.append(f"{_count(empty, 'empty line')} skipped ({_numbers(empty)}).")
    if broken:
        notes.append(f"{_count(broken, 'set')} without genes skipped (line {_numbers(broken)}).")
    if joined:
        notes.append(f"{_count(joined, 'line')} joined to an earlier set of the same name ({_numbers(joined)}).")
    return GeneSets({name: tuple(genes) for name, genes in sets.items()}, path.name, tuple(notes))


def _text(path: Path) -> str:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(
            f"{path.name} is too large for a GMT file.",
            f"It has {size / 2**20:,.0f} MB; at most {MOST_BYTES // 2**20} MB are read.",
            "Choose a smaller collection of gene sets.",
        )
    data = path.read_bytes()
    try:
        if b"\0" in data:
            raise ValueError("it contains binary data")
        return data.decode("utf-8-sig")
    except ValueError as problem:
        raise DataError(
            f"{path.name} is not a text file.", f"Reading it failed: {problem}.", "Save it as GMT in UTF-8."
        ) from problem


def _count(lines: list[int], word: str) -> str:
    return f"{len(lines):,} {word}{'s' if len(lines) > 1 else ''}"


def _numbers(lines: list[int]) -> str:
    more = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    return f"number {', '.join(map(str, lines[:_SHOWN]))}{more}"
