from __future__ import annotations

from pathlib import Path

import pytest

from backend.analysis import gene_sets
from backend.errors import DataError, NotFound
from backend.settings import PROJECT

HALLMARK = PROJECT.parent / "shared" / "data" / "genesets" / "gseapy_h.all.v7.0.symbols.gmt"


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "mine.gmt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_empty_lines_are_skipped_and_told(tmp_path: Path) -> None:
    found = gene_sets.read_gmt(write(tmp_path, "\nA\tabout\tCD3E\tCD8A\n\n  \nB\t\tMS4A1\t\n"))
    assert found.sets == {"A": ("CD3E", "CD8A"), "B": ("MS4A1",)}
    assert found.notes == ("3 empty lines skipped (number 1, 3, 4).",)


def test_lines_without_genes_are_refused_with_their_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 lines without genes \\(number 2, 3\\)") as refused:
        gene_sets.read_gmt(write(tmp_path, "A\tabout\tCD3E\nB\tabout\nC,about,CD3E\n"))
    assert "tabs" in refused.value.mend


def test_a_few_sets_without_genes_are_skipped_and_told(tmp_path: Path) -> None:
    found = gene_sets.read_gmt(write(tmp_path, "A\tabout\tCD3E\nB\tabout\nC\t\tMYC\n"))
    assert list(found.sets) == ["A", "C"]
    assert found.notes == ("1 set without genes skipped (line number 2).",)


def test_sets_of_one_name_are_joined_weights_dropped_and_genes_counted_once(tmp_path: Path) -> None:
    found = gene_sets.read_gmt(write(tmp_path, "A\t\tX,1.0\tY\nA\t\tY\tZ\n"))
    assert found.sets == {"A": ("X", "Y", "Z")}
    assert "joined" in found.notes[0]


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"\xff\xfe\xfa A\t\tB"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="not a text file"):
        gene_sets.read_gmt(write(tmp_path, content))


@pytest.mark.parametrize("content", ["", "\n\n\n"])
def test_a_file_without_sets_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match="holds no gene sets"):
        gene_sets.read_gmt(write(tmp_path, content))


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gene_sets, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="too large"):
        gene_sets.read_gmt(write(tmp_path, "A\tabout\tCD3E\n"))


def test_the_shipped_library_is_there() -> None:
    found = gene_sets.load("GO Biological Process 2023")
    assert len(found.sets) > 5000
    assert "IL6" in {gene for name, genes in found.sets.items() if "Inflammatory" in name for gene in genes}


def test_an_unknown_library_names_the_known() -> None:
    with pytest.raises(NotFound, match="GO Biological Process 2023"):
        gene_sets.load("Hallmark")


@pytest.mark.skipif(not HALLMARK.exists(), reason="the shared data are not here")
def test_hallmark_is_read_whole() -> None:
    found = gene_sets.read_gmt(HALLMARK)
    assert len(found.sets) == 50
    assert not found.notes


def test_the_papers_themes_are_go_terms_that_the_library_knows() -> None:
    whole, found = gene_sets.load(gene_sets.GO).sets, gene_sets.load(gene_sets.THEMES)
    known = {name.rpartition("(")[2].rstrip(")") for name in whole}
    assert {term for terms in gene_sets.TERMS.values() for term in terms} <= known
    assert found.name == gene_sets.THEMES
    assert len(found.sets) == 24
    assert min(len(genes) for genes in found.sets.values()) > 30
    assert "CD28" in found.sets["T cell activation"]
    assert "FOXF1" in found.sets["Lung lineage identity"]
