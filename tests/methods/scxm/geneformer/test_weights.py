"""Weights are those of the published layout, all of them, and arrive as they are stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from backend.errors import DataError, NotFound
from backend.methods.scxm.geneformer.layout import LAYOUTS, Layout, explained_extras
from backend.methods.scxm.geneformer.weights import check_config, check_weights, layout_of, load_bert
from tests.methods.scxm.geneformer.published import V1, V2, config_text, random_weights, write_weights

Weights = dict[str, NDArray[np.float32]]
WORDS = "bert.embeddings.word_embeddings.weight"
NORM = "bert.encoder.layer.1.output.LayerNorm"


@pytest.mark.parametrize("layout", [V1, V2], ids=lambda layout: layout.version)
def test_every_tensor_arrives(tmp_path: Path, layout: Layout) -> None:
    model = load_bert(write_weights(tmp_path, layout), layout)
    stored = random_weights(layout)
    for name, value in model.named_parameters():
        np.testing.assert_array_equal(value.detach().numpy(), stored.pop(f"bert.{name}"))
    stored.pop("bert.embeddings.position_ids", None)  # 0, 1, 2, ..., which the model knows
    assert {name.split(".")[0] for name in stored} == {"cls"}  # the head alone stays behind
    assert not model.training
    assert model.config.hidden_act == "relu"


def test_the_maps_of_attention_can_be_had_and_change_nothing(tmp_path: Path) -> None:
    folder, tokens = write_weights(tmp_path, V2), torch.tensor([[2, 10, 5, 40, 3]])
    plain = load_bert(folder, V2)(tokens)
    shown = load_bert(folder, V2, "eager")(tokens, output_attentions=True)
    torch.testing.assert_close(plain.last_hidden_state, shown.last_hidden_state, rtol=1e-5, atol=1e-6)
    assert [tuple(one.shape) for one in shown.attentions] == [(1, 2, 5, 5)] * 2
    assert torch.isfinite(plain.last_hidden_state).all()


def with_all_extras(weights: Weights) -> None:
    weights |= {name: np.zeros(shape, np.float32) for name, shape in explained_extras(V2).items()}


def in_half_precision(weights: Weights) -> None:
    weights.update({name: value.astype(np.float16) for name, value in weights.items()})  # type: ignore[misc]


@pytest.mark.parametrize("change", [with_all_extras, in_half_precision])
def test_what_older_files_hold_is_explained(tmp_path: Path, change: Callable[[Weights], None]) -> None:
    weights = random_weights(V2)
    change(weights)
    model = load_bert(write_weights(tmp_path, V2, weights), V2)
    assert model.embeddings.word_embeddings.weight.dtype == torch.float32
    np.testing.assert_array_equal(model.embeddings.word_embeddings.weight.detach().numpy(), weights[WORDS].astype("f4"))


def rename(weights: Weights, old: str, new: str) -> None:
    weights[new] = weights.pop(old)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: w.pop(f"{NORM}.bias"), rf"lacks 1 tensors: {NORM}\.bias\."),
        (lambda w: w.pop("cls.predictions.bias"), "lacks 1 tensors: cls.predictions.bias"),
        (lambda w: w.update({"bert.pooler.dense.bias": w[f"{NORM}.bias"]}), "has unknown 1 tensors: bert.pooler"),
        (lambda w: w.update({"classifier.bias": w[f"{NORM}.bias"]}), "has unknown 1 tensors: classifier.bias"),
        (lambda w: w.update({WORDS: w[WORDS][:-1].copy()}), f"{WORDS} is 63 x 16 and should be 64 x 16"),
        (lambda w: w.update({"cls.predictions.decoder.bias": w[WORDS]}), "is 64 x 16 and should be 64"),
        (lambda w: w.update({WORDS: w[WORDS].astype(np.int32)}), "numbers of the kind I32"),
        # transformers would take these three without a word
        (lambda w: rename(w, f"{NORM}.weight", f"{NORM}.gamma"), r"lacks 1.*LayerNorm\.weight.*unknown 1.*\.gamma"),
        (
            lambda w: [rename(w, name, name.removeprefix("bert.")) for name in [*w]],
            "lacks 37 tensors.*; .* and 33 more",
        ),
        (lambda w: [w.pop(name) for name in [*w] if "layer.1" in name], "lacks 16 tensors"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: Callable[[Weights], None], why: str) -> None:
    weights = random_weights(V2)
    change(weights)
    folder = write_weights(tmp_path, V2, weights)
    for open_it in (check_weights, load_bert):
        with pytest.raises(DataError, match=why) as caught:
            open_it(folder, V2)
        assert "Geneformer-V2-104M" in caught.value.what


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    weights = random_weights(V2)
    weights.pop("cls.predictions.bias")
    weights["more"] = weights[WORDS]
    weights[f"{NORM}.bias"] = np.zeros(3, np.float32)
    with pytest.raises(DataError, match=r"lacks 1.*unknown 1.*another shape: .* is 3 and should be 16"):
        check_weights(write_weights(tmp_path, V2, weights), V2)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    weights = random_weights(V2)
    weights[WORDS][5, 5] = np.nan
    with pytest.raises(DataError, match=f"damaged: {WORDS} holds NaN"):
        load_bert(write_weights(tmp_path, V2, weights), V2)


def test_a_tensor_that_is_filled_at_random_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a release of transformers named a layer anew: it would be left as it was drawn."""
    from transformers import BertModel

    real = BertModel.from_pretrained

    def forgetful(*arguments: object, **named: object) -> BertModel:
        model: BertModel = real(*arguments, **named)
        torch.nn.init.normal_(model.encoder.layer[1].output.dense.weight)
        return model

    monkeypatch.setattr(BertModel, "from_pretrained", forgetful)
    with pytest.raises(DataError, match=r"bert.encoder.layer.1.output.dense.weight did not arrive"):
        load_bert(write_weights(tmp_path, V2), V2)


def spoil(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


def test_settings_of_another_size_or_kind(tmp_path: Path) -> None:
    folder = write_weights(tmp_path, V2)
    check_config(folder, V2)
    spoil(folder, hidden_dropout_prob=0.3)
    check_config(folder, V2)
    spoil(folder, hidden_act="gelu")
    with pytest.raises(DataError, match="hidden_act is gelu and should be relu"):
        check_config(folder, V2)
    spoil(folder, hidden_act="relu", num_hidden_layers=3, vocab_size=7, position_embedding_type="relative_key")
    with pytest.raises(DataError, match=r"is relative_key.*num_hidden_layers is 3 and should be 2; vocab_size is 7"):
        load_bert(folder, V2)
    with pytest.raises(DataError, match=r"none of the published sizes.*num_hidden_layers 3.*are Geneformer-V1"):
        layout_of(folder)
    spoil(folder, model_type="gpt2")
    with pytest.raises(DataError, match="describes no BERT"):
        layout_of(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        layout_of(folder)
    (folder / "config.json").unlink()
    with pytest.raises(NotFound, match=r"holds no config\.json"):
        layout_of(folder)


def test_nothing_of_the_settings_is_run(tmp_path: Path) -> None:
    folder = write_weights(tmp_path, V2)
    spoil(folder, auto_map={"AutoModel": "evil.Model"}, quantization_config={"quant_method": "bitsandbytes"})
    assert load_bert(folder, V2).config.to_dict().get("quantization_config") is None


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_each_published_size_is_known_by_its_settings(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "config.json").write_text(config_text(layout))
    assert layout_of(tmp_path) is layout
    check_config(tmp_path, layout)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 417571156\n", "is a placeholder"),
        (b"", "cut short or damaged"),
        (b"<html>not found</html>", "cut short or damaged"),
    ],
)
def test_files_that_are_no_weights(tmp_path: Path, content: bytes, why: str) -> None:
    folder = write_weights(tmp_path, V2)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=why):
        check_weights(folder, V2)


def test_half_a_download_and_a_pickle(tmp_path: Path) -> None:
    folder = write_weights(tmp_path, V2)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(DataError, match="cut short or damaged"):
        check_weights(folder, V2)
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(NotFound, match=r"pytorch_model\.bin is a pickle, which is never opened here"):
        check_weights(folder, V2)


def test_a_file_of_the_right_names_in_another_order(tmp_path: Path) -> None:
    weights = dict(reversed(random_weights(V2).items()))
    save_file(weights, write_weights(tmp_path, V2) / "model.safetensors")
    load_bert(tmp_path, V2)
