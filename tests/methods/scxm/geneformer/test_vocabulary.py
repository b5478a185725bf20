"""From the names of a data set to the genes that Geneformer knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.datasets.genes import ensembl_ids
from backend.datasets.orthologues import one_to_one
from backend.errors import GeneMismatch
from backend.methods.scxm.geneformer.dictionaries import read_published
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from tests.methods.scxm.geneformer.published import V1, V2, dictionaries, gene_id, write_dictionaries

PAIRS = sorted((mouse, human) for mouse, human in one_to_one("mouse", "human").items() if mouse != human)[:40]


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    return Vocabulary.from_published(read_published(write_dictionaries(tmp_path, "V2"), V2))


@pytest.fixture
def of_humans(tmp_path: Path) -> Vocabulary:
    """Knows the first 40 human genes that have a mouse partner of another spelling."""
    tokens, medians, _, mapping = dictionaries("V2")
    names = {human: gene_id(number) for number, (_, human) in enumerate(PAIRS)}
    return Vocabulary.from_published(
        read_published(write_dictionaries(tmp_path / "human", "V2", (tokens, medians, names, mapping)), V2)
    )


def test_tokens_and_medians_stand_beside_their_gene(vocabulary: Vocabulary) -> None:
    assert vocabulary.ids == tuple(gene_id(number) for number in range(60))
    np.testing.assert_array_equal(vocabulary.tokens, np.arange(4, 64))
    np.testing.assert_allclose(vocabulary.medians, 1 + np.arange(60) / 10)


def test_v1_begins_after_two_special_tokens(tmp_path: Path) -> None:
    first = Vocabulary.from_published(read_published(write_dictionaries(tmp_path, "V1"), V1))
    assert (first.version, first.tokens[0], first.tokens.dtype) == ("V1", 2, np.int64)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("SYM3", 3),
        ("OLD3", 3),
        (gene_id(3), 3),
        (gene_id(3) + ".17", 3),
        (gene_id(3).lower(), 3),
        ("ENSG80000000003", 3),
        ("ENSG80000000003.2", 3),
        ("NO-TOKEN", -1),
        (gene_id(999), -1),
        ("Sym3", -1),  # a mouse's spelling is not a human's
        ("<cls>", -1),
        ("", -1),
    ],
)
def test_one_name(vocabulary: Vocabulary, name: str, place: int) -> None:
    assert vocabulary.map_genes([name], "human").places.tolist() == [place]


def test_a_symbol_younger_than_the_dictionaries_goes_through_its_id(tmp_path: Path) -> None:
    tokens, medians, names, mapping = dictionaries("V2")
    symbol, ensembl = next((s, i) for s, i in sorted(ensembl_ids("human").items()) if s == "MACROH2A1")
    place = {token: gene for gene, token in tokens.items()}
    tokens[ensembl] = tokens.pop(place[63])
    medians[ensembl], mapping[ensembl] = 1.0, ensembl
    published = read_published(write_dictionaries(tmp_path, "V2", (tokens, medians, names, mapping)), V2)
    assert Vocabulary.from_published(published).map_genes([symbol], "human").places.tolist() == [59]


def test_mouse_genes_go_through_their_one_human_partner(of_humans: Vocabulary) -> None:
    mouse = [name for name, _ in PAIRS]
    found = of_humans.map_genes([*mouse, "Nonsense1"], "mouse")
    assert found.places.tolist() == [*range(40), -1]
    assert of_humans.map_genes(mouse, "human").n_known == 0


def test_the_species_is_told_by_the_names(of_humans: Vocabulary) -> None:
    mouse, human = zip(*PAIRS, strict=True)
    assert of_humans.map_genes(mouse).species == "mouse"
    assert of_humans.map_genes(human).species == "human"
    assert of_humans.map_genes(human).n_known == of_humans.map_genes(mouse).n_known == 40


def test_too_few_genes_are_said(vocabulary: Vocabulary) -> None:
    known = [f"SYM{number}" for number in range(19)]
    with pytest.raises(GeneMismatch, match=r"knows 19 of these 21 genes and needs 20.*Unknown.*Foo, Bar"):
        vocabulary.require([*known, "Foo", "Bar"])
    with pytest.raises(GeneMismatch, match="knows 0 of these 2 genes"):
        vocabulary.require(["ENSMUSG00000000001", "Gnai3"], "mouse")
    with pytest.raises(GeneMismatch, match="knows 5 of these 5 genes"):
        vocabulary.require(known[:5])
    assert vocabulary.require([*known, "SYM19", "Foo"]).n_known == 20


def test_saved_and_read_it_is_the_same(vocabulary: Vocabulary, tmp_path: Path) -> None:
    vocabulary.save(tmp_path / "vocabulary.json")
    again = Vocabulary.load(tmp_path / "vocabulary.json")
    assert (again.version, again.ids, again.names) == (vocabulary.version, vocabulary.ids, vocabulary.names)
    np.testing.assert_array_equal(again.tokens, vocabulary.tokens)
    np.testing.assert_array_equal(again.medians, vocabulary.medians)
