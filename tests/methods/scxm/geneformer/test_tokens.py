"""Cells as sentences, against sums by hand and against what the published tokenizer gave."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from backend.errors import GeneMismatch
from backend.methods.scxm.geneformer.dictionaries import read_published
from backend.methods.scxm.geneformer.layout import LAYOUTS, Version
from backend.methods.scxm.geneformer.tokens import RankTokens
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from tests.methods.scxm.geneformer.published import BOTH, gene_id, write_dictionaries

DATA = Path(__file__).resolve().parents[5] / "shared/data"
SYMBOLS = [f"SYM{number}" for number in range(60)]


def small(folder: Path, version: Version) -> Vocabulary:
    return Vocabulary.from_published(read_published(write_dictionaries(folder, version), BOTH[version]))


def row(**counts: float) -> csr_matrix:
    values = np.zeros((1, 60), dtype=np.float32)
    for name, count in counts.items():
        values[0, int(name[3:])] = count
    return csr_matrix(values)


def test_expression_over_median_decides_the_order(tmp_path: Path) -> None:
    # medians: gene 0 1.0, gene 10 2.0, gene 20 3.0, gene 40 5.0 -> values 2, 3, 1, 3 (a tie: the smaller token first)
    cell = row(SYM0=2, SYM10=6, SYM20=3, SYM40=15)
    second = RankTokens(small(tmp_path / "2", "V2"), SYMBOLS)(cell)
    assert second.sentence(0).tolist() == [2, 14, 44, 4, 24, 3]
    first = RankTokens(small(tmp_path / "1", "V1"), SYMBOLS)(cell)
    assert first.sentence(0).tolist() == [12, 42, 2, 22]


def test_a_cells_depth_and_the_order_of_genes_change_nothing(tmp_path: Path) -> None:
    vocabulary, random = small(tmp_path, "V2"), np.random.default_rng(0)
    rows = random.poisson(1.0, (8, 60)).astype(np.float32)
    order = random.permutation(60)
    straight = RankTokens(vocabulary, SYMBOLS)(csr_matrix(rows))
    shuffled = RankTokens(vocabulary, [SYMBOLS[place] for place in order])(csr_matrix(rows[:, order] / 32))
    np.testing.assert_array_equal(straight.flat, shuffled.flat)
    np.testing.assert_array_equal(straight.offsets, shuffled.offsets)


def test_two_names_of_one_gene_are_added_up(tmp_path: Path) -> None:
    names = [*SYMBOLS[:59], "OLD0", gene_id(0) + ".4"]
    read = RankTokens(small(tmp_path, "V2"), names)
    values = np.zeros((1, 61), dtype=np.float32)
    values[0, [0, 1, 59, 60]] = 1, 3, 2, 1  # gene 0: 1 + 2 + 1 over 1.0; gene 1: 3 over 1.1
    assert read(csr_matrix(values)).sentence(0).tolist() == [2, 4, 5, 3]
    assert (read.known, read.column[4], read.column[5], read.column[2]) == (61, 0, 1, -1)


def test_unknown_genes_and_zeros_are_left_out(tmp_path: Path) -> None:
    names = [*SYMBOLS[:30], *(f"XYZ{number}" for number in range(30))]
    read = RankTokens(small(tmp_path, "V2"), names)
    values = csr_matrix((np.array([5.0, 0.0, 9.0]), np.array([1, 2, 40]), np.array([0, 3])), shape=(1, 60))
    assert read(values).sentence(0).tolist() == [2, 5, 3]
    assert read.known == 30


@pytest.mark.parametrize(("version", "kept"), [("V1", 10), ("V2", 8)])
def test_long_cells_are_cut_at_the_end(tmp_path: Path, version: Version, kept: int) -> None:
    read = RankTokens(small(tmp_path, version), SYMBOLS, max_len=10)
    cell = row(**{f"SYM{number}": 100.0 + number for number in range(60)})
    sentence = read(cell).sentence(0)
    whole = RankTokens(small(tmp_path, version), SYMBOLS)(cell).sentence(0)
    genes = slice(1, -1) if version == "V2" else slice(None)
    assert len(sentence) == 10
    assert sentence[genes].tolist() == whole[genes][:kept].tolist()


def test_no_sentence_is_empty(tmp_path: Path) -> None:
    nothing = csr_matrix((2, 60), dtype=np.float32)
    assert RankTokens(small(tmp_path / "1", "V1"), SYMBOLS)(nothing).flat.tolist() == [1, 1]
    assert RankTokens(small(tmp_path / "2", "V2"), SYMBOLS)(nothing).flat.tolist() == [2, 3, 2, 3]
    none = RankTokens(small(tmp_path / "3", "V2"), SYMBOLS)(csr_matrix((0, 60), dtype=np.float32))
    assert (len(none.flat), none.offsets.tolist(), none.lengths.tolist()) == (0, [0], [])


def test_too_few_genes(tmp_path: Path) -> None:
    with pytest.raises(GeneMismatch, match="knows 3 of these 3 genes"):
        RankTokens(small(tmp_path, "V2"), SYMBOLS[:3])


@pytest.mark.skipif(not DATA.exists(), reason="the published dictionaries (../shared/data) are not here")
@pytest.mark.parametrize(("name", "version"), [("geneformer-v1-10m", "V1"), ("geneformer-v2-104m", "V2")])
def test_sentences_are_those_of_the_published_tokenizer(name: str, version: Version) -> None:
    """Place by place the same value; only genes of equal value, to the precision of float32, have changed places."""
    import anndata

    published = read_published(DATA / "geneformer" / version, LAYOUTS[name])
    assert published.names["TP53"] == "ENSG00000141510"
    vocabulary = Vocabulary.from_published(published)
    expected = json.loads((DATA / "geneformer/expected_tokens.json").read_text())[version]
    data = anndata.read_h5ad(DATA / "sc_human_lung_TabulaSapiens1k.h5ad")
    ids = data.var["ensembl"].str.split(".").str[0]
    once = np.flatnonzero(~ids.duplicated().to_numpy())
    rows = csr_matrix(data[list(expected)].X)[:, once]
    read = RankTokens(vocabulary, list(data.var["ensembl"].iloc[once]))  # with versions, as they come
    found = read(rows)
    median = np.ones(int(vocabulary.tokens.max()) + 1)
    median[vocabulary.tokens] = vocabulary.medians
    for number, sentence in enumerate(expected.values()):
        ours, theirs = found.sentence(number), np.array(sentence)
        assert sorted(ours) == sorted(theirs)
        cell = np.append(np.asarray(rows[number].todense(), dtype=np.float64).ravel(), 0.0)  # -1: special tokens
        np.testing.assert_allclose(*(cell[read.column[one]] / median[one] for one in (ours, theirs)), rtol=1e-7)
    assert len(expected) == 24

    by_symbol = RankTokens(vocabulary, list(data.var_names[once]))
    assert by_symbol.known > 0.97 * read.known
    same = [np.isin(a, b).mean() for a, b in zip(map(by_symbol(rows).sentence, range(24)), expected.values())]
    assert np.mean(same) > 0.99


def test_the_published_length_is_kept(tmp_path: Path) -> None:
    vocabulary = small(tmp_path, "V2")
    assert RankTokens(vocabulary, SYMBOLS).max_len == 4096
    assert RankTokens(replace(vocabulary, version="V1"), SYMBOLS).max_len == 2048
