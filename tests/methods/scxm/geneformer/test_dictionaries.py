"""Which dictionaries are found and accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import DataError, NotFound
from backend.methods.scxm.geneformer.dictionaries import dictionary_files, find_folder, fingerprint, read_published
from backend.methods.scxm.geneformer.layout import Version
from tests.methods.scxm.geneformer.published import (
    BOTH,
    V2,
    Dictionaries,
    dictionaries,
    gene_id,
    write_dictionaries,
)


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_what_was_written_is_read(tmp_path: Path, version: Version) -> None:
    published = read_published(write_dictionaries(tmp_path, version), BOTH[version])
    tokens, medians, names, mapping = dictionaries(version)
    assert (published.tokens, published.medians) == (tokens, medians)
    assert (published.names, published.mapping) == (names, mapping)


@pytest.mark.parametrize(
    "place", ["weights", "geneformer/gene_dictionaries_30m", "weights/geneformer/gene_dictionaries_30m"]
)
def test_they_are_found_beside_the_weights(tmp_path: Path, place: str) -> None:
    write_dictionaries(tmp_path / place, "V1")
    assert find_folder(tmp_path / "weights", "V1") == tmp_path / place


def test_those_that_lack_are_named(tmp_path: Path) -> None:
    write_dictionaries(tmp_path, "V2")
    (tmp_path / "gene_median_dictionary_gc104M.pkl").unlink()
    with pytest.raises(NotFound, match=r"Not found: gene_median_dictionary_gc104M\.pkl\.") as caught:
        find_folder(tmp_path, "V2")
    assert str(tmp_path) in caught.value.mend
    with pytest.raises(NotFound, match="token_dictionary_gc30M"):
        find_folder(tmp_path, "V1")


def test_the_other_version_under_this_ones_names(tmp_path: Path) -> None:
    write_dictionaries(tmp_path, "V1")
    for old, new in zip(dictionary_files("V1"), dictionary_files("V2"), strict=True):
        (tmp_path / old).rename(tmp_path / new)
    with pytest.raises(DataError, match=r"hold 62 tokens, with the special ones of V1; Geneformer-V2-104M has 64"):
        read_published(tmp_path, V2)


def spoil(change: Callable[[Dictionaries], None]) -> Dictionaries:
    content = dictionaries("V2")
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: c[0].update({gene_id(3): 4}), "not the whole numbers from 0 on"),
        (lambda c: c[0].update({gene_id(3): 0.5}), "not the whole numbers from 0 on"),
        (lambda c: c[0].pop(gene_id(59)), "hold 63 tokens, with the special ones of V2"),
        (lambda c: c[1].pop(gene_id(3)), f"1 genes have no median above 0, such as {gene_id(3)}"),
        (lambda c: c[1].update({gene_id(3): 0.0}), "1 genes have no median"),
        (lambda c: c[1].update({gene_id(3): float("nan")}), "1 genes have no median"),
        (lambda c: c[2].update({"SYM3": 3}), "gene_name_id_dict should lead to Ensembl ids"),
        (lambda c: (c[1].pop(gene_id(3)), c[3].update({"OLD3": 3})), "no median.*ensembl_mapping_dict should lead"),
    ],
)
def test_faults_are_said(tmp_path: Path, change: Callable[[Dictionaries], None], why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_published(write_dictionaries(tmp_path, "V2", spoil(change)), V2)


def test_another_release_of_the_same_size_is_refused(tmp_path: Path) -> None:
    """An early V2 has as many tokens but other medians: its sentences would be in another order."""
    published = read_published(write_dictionaries(tmp_path, "V2"), V2)
    strict = replace(V2, dictionaries=fingerprint(published.tokens, published.medians))
    assert read_published(tmp_path, strict) == published
    other = spoil(lambda content: content[1].update({gene_id(3): 1.31}))
    with pytest.raises(DataError, match="not the published ones: another release"):
        read_published(write_dictionaries(tmp_path, "V2", other), strict)
