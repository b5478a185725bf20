"""A published folder of weights: `config.json` and `model.safetensors`, checked tensor by tensor before any is read.

Checking imports no torch. Loading goes through `BertModel.from_pretrained`, which fills what it does not find with
random numbers and renames what it thinks old; so what it made is compared with the file afterwards.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from backend.errors import DataError, NotFound
from backend.methods.scxm.geneformer.layout import (
    ENCODER,
    LAYOUTS,
    Layout,
    bert_config,
    explained_extras,
    published_tensors,
)

if TYPE_CHECKING:
    from transformers import BertModel

Attention = Literal["sdpa", "eager"]
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_SIZES = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size")
_OF_TRAINING = ("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range")
_NUMBERS = {"F32", "F16", "BF16"}
_LFS = b"version https://git-lfs"
_EXAMPLES = 4


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a BERT. Raises NotFound, DataError."""
    path = folder / CONFIG
    if not path.is_file():
        raise NotFound(
            f"{folder} holds no {CONFIG}.",
            f"A published folder, such as {next(iter(LAYOUTS.values())).folder}, holds {CONFIG} and {WEIGHTS}.",
            "Name that folder itself.",
        )
    try:
        config = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path} is not JSON.", str(error), "Download it again.") from error
    if not isinstance(config, dict) or config.get("model_type") != "bert":
        raise DataError(f"{path} describes no BERT.", "Geneformer is one.", "Name a published folder of Geneformer.")
    return config


def layout_of(folder: Path) -> Layout:
    """Which published size a folder has, by its `config.json`. Raises DataError where it is none of them."""
    config = read_config(folder)
    for layout in LAYOUTS.values():
        if all(config.get(name) == layout.settings[name] for name in _SIZES):
            return layout
    raise DataError(
        f"{folder} has none of the published sizes.",
        f"It has {', '.join(f'{name} {config.get(name)}' for name in _SIZES)}.",
        f"Known are {', '.join(layout.folder for layout in LAYOUTS.values())}.",
    )


def check_config(folder: Path, layout: Layout) -> None:
    """The model that `config.json` describes computes what the published one does. Raises DataError."""
    config = {"position_embedding_type": "absolute", **read_config(folder)}
    expected = {"position_embedding_type": "absolute", **layout.settings}
    wrong = [
        f"{name} is {config.get(name)} and should be {value}"
        for name, value in expected.items()
        if config.get(name) != value and name not in _OF_TRAINING
    ]
    if wrong:
        raise DataError(f"{folder} is not {layout.folder}.", f"In {CONFIG} {'; '.join(wrong)}.")


def check_weights(folder: Path, layout: Layout) -> None:
    """Every tensor of the layout is there, in its shape, and no other. Reads names and shapes only. Raises DataError
    with all that is wrong."""
    found = _tensors(folder)
    expected, extras = published_tensors(layout), explained_extras(layout)
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected and name not in extras]
    wrong = [
        f"{name} is {_by(shape)} and should be {_by((expected | extras)[name])}"
        for name, (shape, _) in found.items()
        if name in expected | extras and shape != (expected | extras)[name]
    ]
    kinds = sorted({kind for name, (_, kind) in found.items() if name in expected} - _NUMBERS)
    faults = [
        _list("lacks", missing, "tensors"),
        _list("has unknown", unknown, "tensors"),
        _list("has", wrong, "tensors of another shape"),
        f"It holds numbers of the kind {', '.join(kinds)}, which weights are not." if kinds else "",
    ]
    if any(faults):
        raise DataError(
            f"The weights in {folder} are not those of {layout.folder}.",
            " ".join(fault for fault in faults if fault),
            "Download the published folder again; a model fine-tuned for another task does not fit.",
        )


def load_bert(folder: Path, layout: Layout, attention: Attention = "sdpa") -> BertModel:
    """The encoder, without head and pooler, in float32 and evaluation mode; `attention` "eager" gives the maps. Raises
    DataError where any tensor is missing, unknown, of another shape or not finite."""
    import torch
    from safetensors import safe_open
    from transformers import BertModel

    check_config(folder, layout)
    check_weights(folder, layout)
    with _quiet():
        model: BertModel = BertModel.from_pretrained(
            folder,
            config=bert_config(layout),
            add_pooling_layer=False,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation=attention,
            dtype=torch.float32,
        )
    made = dict(model.named_parameters())
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        for name in published_tensors(layout):
            if not name.startswith(ENCODER):
                continue
            stored, loaded = file.get_tensor(name).float(), made.pop(name.removeprefix(ENCODER), None)
            if not bool(torch.isfinite(stored).all()):
                raise DataError(f"The weights in {folder} are damaged: {name} holds NaN.", mend="Download them again.")
            if loaded is None or not torch.equal(stored, loaded):
                raise DataError(f"{name} did not arrive in the model.", "This release of transformers names it anew.")
    if made:
        raise DataError(f"{next(iter(made))} is in no published file.", "This release of transformers has added it.")
    model.eval()  # type: ignore[no-untyped-call]
    return model


def _tensors(folder: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Name -> shape and kind of number. Raises NotFound, DataError."""
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    if not path.is_file():
        pickled = [name for name in ("pytorch_model.bin", "model.bin") if (folder / name).exists()]
        raise NotFound(
            f"{folder} holds no {WEIGHTS}.",
            f"{pickled[0]} is a pickle, which is never opened here." if pickled else "",
            "Download that file from the published folder.",
        )
    with path.open("rb") as start:
        if start.read(len(_LFS)) == _LFS:
            raise DataError(
                f"{path} is a placeholder, not the weights themselves.",
                "Git has fetched the pointers of its large files only.",
                "Run `git lfs pull` in that folder, or download the file from the repository's page.",
            )
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
    except SafetensorError as error:
        raise DataError(
            f"{path} cannot be read.", f"It is cut short or damaged ({error}).", "Download it again."
        ) from error


def _list(verb: str, names: list[str], what: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _EXAMPLES:,} more" if len(names) > _EXAMPLES else ""
    return f"It {verb} {len(names):,} {what}: {'; '.join(names[:_EXAMPLES])}{more}."


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """transformers reports the head, which is left out on purpose, as if it were a fault."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
