"""What is told before a launch."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.datasets.orthologues import one_to_one
from backend.errors import GeneMismatch, NotFound
from backend.methods.scxm.config import ScxmConfig, card
from backend.methods.scxm.geneformer import shelf
from backend.methods.scxm.geneformer.layout import LAYOUTS
from tests.methods.scxm.geneformer.published import V2, dictionaries, gene_id, write_dictionaries, write_weights

PAIRS = [pair for pair in one_to_one("mouse", "human").items() if pair[0] != pair[1]][:40]
MOUSE, HUMAN = zip(*PAIRS, strict=True)
CONFIG = ScxmConfig(encoder="geneformer-v2-104m")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(LAYOUTS, V2.name, V2)


def say(*genes: str) -> tuple[str, ...]:
    assert card.about_genes is not None
    return card.about_genes(CONFIG, genes)


def test_without_a_backbone_nothing_is_said() -> None:
    assert card.about_genes is not None
    assert card.about_genes(ScxmConfig(), ["anything"]) == ()


def test_a_backbone_that_is_not_here_is_refused() -> None:
    with pytest.raises(NotFound, match="weights of Geneformer-V2-104M are not here"):
        say(*HUMAN)


def test_genes_outside_the_vocabulary_are_counted(tmp_path: Path) -> None:
    tokens, medians, _, mapping = dictionaries("V2")
    names = {human: gene_id(number) for number, human in enumerate(HUMAN)}
    folder = write_weights(tmp_path / "download", V2)
    shelf.add(folder, write_dictionaries(tmp_path / "genes", "V2", (tokens, medians, names, mapping)))
    assert say(*HUMAN) == ()
    assert say(*HUMAN, "Foo") == (
        "1 of the 41 genes that are read has no place among those that Geneformer-V2-104M learnt from.",
    )
    assert say(*MOUSE, "Foo", "Bar") == (
        "2 of the 42 genes that are read have no human partner among those that Geneformer-V2-104M learnt from.",
    )
    with pytest.raises(GeneMismatch, match="knows 5 of these 6 genes"):
        say(*HUMAN[:5], "Foo")
