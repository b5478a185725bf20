"""Gene sets: the library that comes with a dependency, or a GMT file that somebody brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from backend.errors import DataError, NotFound

# Name -> file in blitzgsea's package data, which is read without importing it. (Its KEGG file is left: KEGG's terms.)
GO = "GO Biological Process 2023"
THEMES = "SCXM’s Table 1, as GO terms"  # chosen from the same file
LIBRARIES = {GO: "GO_Biological_Process_2023", THEMES: "GO_Biological_Process_2023"}
# The paper names its 25 sets and prints their sizes, not their genes. Each theme is the union of the GO terms that mean
# it best; KEGG's lung cancer pathway is left out, whose terms do not allow to ship it.
TERMS: Mapping[str, tuple[str, ...]] = {
    "Lung lineage identity": ("GO:0030324", "GO:0060428", "GO:0043129", "GO:1903251"),
    "Angiogenesis": ("GO:0002040", "GO:0048010", "GO:0035924"),
    "T cell activation": ("GO:0042110",),
    "Myeloid innate immunity": ("GO:0042116", "GO:0042119", "GO:0002224", "GO:0006909"),
    "Interferon response": ("GO:0034341", "GO:0034340", "GO:0071357", "GO:0035455", "GO:0035456"),
    "Immune checkpoint": ("GO:0050868", "GO:0042130"),
    "Hedgehog signalling": ("GO:0007224",),
    "Notch signalling": ("GO:0007219",),
    "Integrin cell adhesion": ("GO:0007229", "GO:0033628"),
    "B cell activation": ("GO:0042113", "GO:0050853"),
    "Unfolded protein response": ("GO:0006986", "GO:0034620"),
    "Chemokine signalling": ("GO:0070098", "GO:1990869"),
    "PI3K/AKT/mTOR survival": ("GO:0014065", "GO:0043491", "GO:0031929"),
    "EMT": ("GO:0001837", "GO:0010717"),
    "Hypoxia response": ("GO:0071456",),
    "EGFR signalling": ("GO:0007173", "GO:0038127"),
    "FGF signalling": ("GO:0008543", "GO:0044344"),
    "Apoptosis": ("GO:0006915",),
    "NF-κB signalling": ("GO:0007249", "GO:0038061"),
    "Cell cycle / proliferation": ("GO:0044772", "GO:0044843", "GO:0044839"),
    "Hippo / YAP-TAZ": ("GO:0035329", "GO:0035330"),
    "Oxidative stress / NRF2": ("GO:0034599",),
    "TGF-β signalling": ("GO:0007179",),
    "WNT signalling": ("GO:0016055", "GO:0060070"),
}
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


def themes(sets: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """sets: GO terms, named "... (GO:0042110)". Theme -> the genes of its terms, each once."""
    by_id = {name.rpartition("(")[2].rstrip(")"): genes for name, genes in sets.items()}
    return {
        theme: tuple(dict.fromkeys(gene for term in terms for gene in by_id.get(term, ())))
        for theme, terms in TERMS.items()
    }


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
