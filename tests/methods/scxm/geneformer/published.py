"""Folders as Geneformer is published, small: the same names of files and tensors, the same kinds of pickle."""

from __future__ import annotations

import json
import pickle  # noqa: TID251  (to write what is published as pickles)
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.methods.scxm.geneformer.dictionaries import SPECIAL, dictionary_files
from backend.methods.scxm.geneformer.layout import LAYOUTS, Layout, Version, published_tensors

N_GENES = 60
SMALL = {"layers": 2, "hidden": 16, "heads": 2, "ffn": 32, "max_len": 24, "dictionaries": None}
V1 = replace(LAYOUTS["geneformer-v1-10m"], vocab=N_GENES + 2, parameters=0, **SMALL)  # type: ignore[arg-type]
V2 = replace(LAYOUTS["geneformer-v2-104m"], vocab=N_GENES + 4, parameters=0, **SMALL)  # type: ignore[arg-type]
BOTH = {"V1": V1, "V2": V2}

Dictionaries = tuple[dict[str, int], dict[str, float], dict[str, str], dict[str, str]]


def gene_id(number: int) -> str:
    return f"ENSG9{number:010d}"


def dictionaries(version: Version) -> Dictionaries:
    """Genes 0 to 59: symbol `SYMn`, token after the special ones, median 1 + n / 10. `OLDn` are former names, and
    ENSG8... are retired ids, of the gene n. V1 holds numpy's numbers, as published."""
    ids = [gene_id(number) for number in range(N_GENES)]
    special = SPECIAL[version]
    first = len(special)
    tokens = {gene: np.int16(first + n) if version == "V1" else first + n for n, gene in enumerate(ids)}
    medians = {gene: np.float64(1 + n / 10) for n, gene in enumerate(ids)}
    names = {f"SYM{n}": gene for n, gene in enumerate(ids)} | {"NO-TOKEN": gene_id(999)}
    retired = {f"ENSG8{n:010d}": gene for n, gene in enumerate(ids)}
    mapping = {gene: gene for gene in ids} | retired | {f"OLD{n}": gene for n, gene in enumerate(ids)}
    return {**special, **tokens}, medians, names, mapping  # type: ignore[return-value]


def write_dictionaries(folder: Path, version: Version, content: Dictionaries | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in zip(dictionary_files(version), content or dictionaries(version), strict=True):
        (folder / name).write_bytes(pickle.dumps(table, protocol=4))
    return folder


def config_text(layout: Layout) -> str:
    """`config.json` to the letter: transformers 4.6.0 wrote that of V1, 4.44.2 those of V2."""
    written_by = (
        {"gradient_checkpointing": False, "transformers_version": "4.6.0"}
        if layout.version == "V1"
        else {"classifier_dropout": None, "torch_dtype": "float32", "transformers_version": "4.44.2"}
    )
    config = {
        "architectures": ["BertForMaskedLM"], "model_type": "bert", "position_embedding_type": "absolute",
        "use_cache": True, **layout.settings, **written_by,
    }  # fmt: skip
    return json.dumps(config, indent=2, sort_keys=True) + "\n"


def random_weights(layout: Layout, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    weights = {
        name: random.normal(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.02, shape).astype(np.float32)
        for name, shape in published_tensors(layout).items()
    }
    if layout.version == "V1":
        weights["bert.embeddings.position_ids"] = np.arange(layout.max_len)[None]  # as the published file has it
    return weights


def write_weights(folder: Path, layout: Layout, weights: dict[str, NDArray[np.float32]] | None = None) -> Path:
    """`config.json`, `model.safetensors`, and beside them what is published too and never read."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config_text(layout))
    save_file(weights or random_weights(layout), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "generation_config.json").write_text("{}")
    (folder / "training_args.bin").write_bytes(b"a pickle")
    return folder


def write_repository(root: Path, layout: Layout) -> Path:
    """As the published repository lies; returns the folder of the weights."""
    place = {"V1": "geneformer/gene_dictionaries_30m", "V2": "geneformer"}[layout.version]
    write_dictionaries(root / place, layout.version)
    return write_weights(root / layout.folder, layout)
