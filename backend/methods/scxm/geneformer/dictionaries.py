"""The published dictionaries of Geneformer: found beside the weights, read without being run, checked."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import DataError, NotFound
from backend.methods.scxm.geneformer.layout import Layout, Version
from backend.methods.scxm.geneformer.unpickle import read_dictionary

SPECIAL = {
    "V1": {"<pad>": 0, "<mask>": 1},
    "V2": {"<pad>": 0, "<mask>": 1, "<cls>": 2, "<eos>": 3},
}
KINDS = ("token_dictionary", "gene_median_dictionary", "gene_name_id_dict", "ensembl_mapping_dict")
ENDINGS: dict[Version, str] = {"V1": "_gc30M.pkl", "V2": "_gc104M.pkl"}
PLACES: dict[Version, str] = {"V1": "geneformer/gene_dictionaries_30m", "V2": "geneformer"}


@dataclass(frozen=True)
class Published:
    """tokens: Ensembl id or special token -> token. medians: Ensembl id -> non-zero median per 10,000 counts. names:
    symbol -> Ensembl id. mapping: any other name, upper case -> Ensembl id."""

    version: Version
    tokens: dict[str, int]
    medians: dict[str, float]
    names: dict[str, str]
    mapping: dict[str, str]


def dictionary_files(version: Version) -> tuple[str, ...]:
    return tuple(kind + ENDINGS[version] for kind in KINDS)


def find_folder(beside: Path, version: Version) -> Path:
    """The folder with the four dictionaries: `beside` itself, or where the published repository keeps them, seen from
    its root or from a folder of weights. Raises NotFound, naming the files."""
    names = dictionary_files(version)
    places = [beside, beside / PLACES[version], beside.parent / PLACES[version]]
    for place in places:
        if all((place / name).is_file() for name in names):
            return place
    lacking = [name for name in names if not any((place / name).is_file() for place in places)]
    raise NotFound(
        f"The dictionaries of Geneformer {version} are not all there.",
        f"Not found: {', '.join(lacking or names)}.",
        f"Put the four files of the published folder {PLACES[version]}/ together into {beside}.",
    )


def read_published(folder: Path, layout: Layout) -> Published:
    """Raises DataError with everything that is wrong with them."""
    tokens, medians, names, mapping = (read_dictionary(folder / name) for name in dictionary_files(layout.version))
    faults = _token_faults(tokens, layout) or _faults(tokens, medians, names, mapping, layout)
    if faults:
        raise DataError(
            f"These dictionaries do not belong to {layout.folder}.",
            " ".join(faults),
            f"Take those of the published folder {PLACES[layout.version]}/, whose names end in "
            f"{ENDINGS[layout.version]}.",
        )
    return Published(layout.version, tokens, medians, names, mapping)


def fingerprint(tokens: dict[str, int], medians: dict[str, float]) -> str:
    """Of what decides a cell's sentence: genes, tokens and medians."""
    lines = (f"{name}\t{token}\t{medians.get(name)!r}\n" for name, token in sorted(tokens.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _token_faults(tokens: dict[str, Any], layout: Layout) -> list[str]:
    whole = all(isinstance(token, int) for token in tokens.values())
    if not whole or sorted(tokens.values()) != list(range(len(tokens))):
        return ["The tokens are not the whole numbers from 0 on, each once."]
    special = {name: token for name, token in tokens.items() if name.startswith("<")}
    if special != SPECIAL[layout.version] or len(tokens) != layout.vocab:
        had = next((version for version, names in SPECIAL.items() if names == special), "no version known here")
        return [
            f"They hold {len(tokens):,} tokens, with the special ones of {had}; {layout.folder} has "
            f"{layout.vocab:,}, with {', '.join(SPECIAL[layout.version])}."
        ]
    return []


def _faults(
    tokens: dict[str, int], medians: dict[str, Any], names: dict[str, Any], mapping: dict[str, Any], layout: Layout
) -> list[str]:
    faults = []
    genes = [name for name in tokens if not name.startswith("<")]
    bad = [gene for gene in genes if not _median(medians.get(gene))]
    if bad:
        faults.append(f"{len(bad):,} genes have no median above 0, such as {bad[0]}.")
    for kind, table in zip(KINDS[2:], (names, mapping)):
        if not all(isinstance(value, str) for value in table.values()):
            faults.append(f"{kind} should lead to Ensembl ids, and leads to something else.")
    if not faults and layout.dictionaries and fingerprint(tokens, medians) != layout.dictionaries:
        faults.append("Their genes, tokens or medians are not the published ones: another release of Geneformer?")
    return faults


def _median(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < math.inf
