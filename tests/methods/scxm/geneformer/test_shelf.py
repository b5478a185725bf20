"""Backbones are checked, kept, listed and opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from scipy.sparse import csr_matrix

from backend.errors import DataError, InUse, NotFound, UserError
from backend.methods.scxm.geneformer import shelf
from backend.methods.scxm.geneformer.layout import LAYOUTS, Layout
from backend.methods.scxm.geneformer.tokens import RankTokens
from backend.methods.scxm.geneformer.weights import load_bert
from tests.methods.scxm.geneformer.published import (
    BOTH,
    V1,
    V2,
    random_weights,
    write_dictionaries,
    write_repository,
    write_weights,
)

SYMBOLS = [f"SYM{number}" for number in range(60)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    for layout in BOTH.values():
        monkeypatch.setitem(LAYOUTS, layout.name, layout)
    return tmp_path / "home"


@pytest.mark.parametrize("layout", BOTH.values(), ids=BOTH)
def test_from_a_published_folder_to_hidden_states(tmp_path: Path, home: Path, layout: Layout) -> None:
    added = shelf.add(write_repository(tmp_path / "repository", layout))
    assert (added.name, added.here, added.source) == (layout.name, True, str(tmp_path / "repository" / layout.folder))
    assert [one.name for one in shelf.backbones() if one.here] == [layout.name]
    shutil.rmtree(tmp_path / "repository")

    folder, found, vocabulary = shelf.open_backbone(layout.name)
    assert found is layout
    assert sorted(file.name for file in folder.iterdir()) == [
        "backbone.json", "config.json", "model.safetensors", "vocabulary.json"
    ]  # fmt: skip
    model = load_bert(folder, found)
    random = np.random.default_rng(0)
    sentences = RankTokens(vocabulary, SYMBOLS, max_len=24)(csr_matrix(random.poisson(0.5, (5, 60)).astype("f4")))
    for cell in range(5):
        tokens = torch.from_numpy(sentences.sentence(cell))[None]
        states = model(tokens).last_hidden_state
        assert states.shape == (1, sentences.lengths[cell], 16)
        assert torch.isfinite(states).all()
        assert (tokens[0, 0] == 2) == layout.has_cls or layout.version == "V1"


def test_a_backbone_that_is_not_here_says_how_to_bring_it() -> None:
    with pytest.raises(NotFound, match=r"weights of Geneformer-V2-104M are not here") as caught:
        shelf.open_backbone("geneformer-v2-104m")
    for word in ("backbones fetch geneformer-v2-104m", "backbones add FOLDER", "token_dictionary_gc104M.pkl",
                 "Geneformer-V2-104M/model.safetensors", "huggingface.co/ctheodoris/Geneformer"):  # fmt: skip
        assert word in caught.value.mend
    with pytest.raises(NotFound, match=r"'scgpt' is no backbone.*geneformer-v1-10m"):
        shelf.open_backbone("scgpt")


def test_the_same_folder_may_be_added_again_but_no_other_weights(tmp_path: Path) -> None:
    folder = write_repository(tmp_path, V2)
    first = shelf.add(folder)
    assert shelf.add(folder).weights == first.weights
    write_weights(folder, V2, random_weights(V2, seed=1))
    with pytest.raises(InUse, match=r"Other weights are kept as geneformer-v2-104m"):
        shelf.add(folder)
    assert shelf.backbone(V2.name).weights == first.weights
    shutil.rmtree(Path(shelf.open_backbone(V2.name)[0]))
    assert shelf.add(folder).weights != first.weights


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_kept(tmp_path: Path, home: Path) -> None:
    weights = random_weights(V2)
    weights.pop("cls.predictions.bias")
    folder = write_weights(tmp_path / "weights", V2, weights)
    with pytest.raises(DataError, match=r"dictionaries .* not all there.*lacks 1 tensors: cls.predictions.bias"):
        shelf.add(folder)
    with pytest.raises(NotFound, match="There is no folder"):
        shelf.add(tmp_path / "nowhere")
    write_dictionaries(tmp_path / "v1", "V1")
    with pytest.raises(DataError, match=r"Not found: token_dictionary_gc104M.*lacks 1 tensors"):
        shelf.add(folder, tmp_path / "v1")
    assert not any(one.here for one in shelf.backbones())
    assert not any((home / "backbones").glob("*")) if home.exists() else True


def test_dictionaries_may_lie_elsewhere(tmp_path: Path) -> None:
    folder = write_weights(tmp_path / "weights", V1)
    assert shelf.add(folder, write_dictionaries(tmp_path / "elsewhere", "V1")).here


class HTTPError(Exception):
    """A broken download, as the library below the hub's says it."""


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_repository(tmp_path, V2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(1, 1, 1))
    with pytest.raises(UserError, match="is full"):
        shelf.add(folder)
    assert not shelf.backbone(V2.name).here


def hub(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", answer)


def test_fetching_asks_for_six_files_and_keeps_them(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(repository: str, *, allow_patterns: list[str], local_dir: str, token: bool) -> str:
        assert repository == "ctheodoris/Geneformer"
        assert not token  # nobody's sign-in goes along
        write_repository(Path(local_dir), V1)
        asked.extend(allow_patterns)
        for name in allow_patterns:
            assert (Path(local_dir) / name).is_file(), name
        return local_dir

    hub(monkeypatch, answer)
    made = shelf.fetch("geneformer-v1-10m")
    assert (made.here, made.source) == (True, "huggingface.co/ctheodoris/Geneformer")
    assert len(asked) == 6
    assert not any("bin" in name for name in asked)
    assert [path.name for path in (home / "backbones").iterdir()] == ["geneformer-v1-10m"]


@pytest.mark.parametrize(
    "error", [OSError("no route to host"), LocalEntryNotFoundError("offline"), HTTPError("offline")]
)
def test_a_hub_that_cannot_be_reached(home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*arguments: object, **named: object) -> str:
        raise error

    hub(monkeypatch, fail)
    with pytest.raises(UserError, match=r"could not be downloaded.*(no route to host|offline)") as caught:
        shelf.fetch("geneformer-v1-10m")
    assert "Without internet" in caught.value.mend
    assert "gene_median_dictionary_gc30M.pkl" in caught.value.mend
    assert not any((home / "backbones").iterdir())


def test_a_hub_without_the_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, lambda *arguments, **named: named["local_dir"])
    with pytest.raises(UserError, match=r"There is no folder|holds no config.json"):
        shelf.fetch("geneformer-v1-10m")
