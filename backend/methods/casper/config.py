"""CASPER's settings and card. Importing this costs nothing (no torch): pages, the command line and the docs read it."""

from __future__ import annotations

from typing import Literal

from backend.methods.contract import Config, MethodCard, setting

NETWORK, REFERENCE = "Network", "Reference"
PUBLISHED = {"resolution": 1.0, "dropout": 0.1, "input_dropout": 0.0, "patience": 10}


class CasperConfig(Config):
    """Defaults are those that worked on real data (docs/methods.md); the presets hold the published ones."""

    centroids: Literal["reference", "zero", "shuffled"] = setting(
        "reference",
        "Centroids",
        "reference: means of the reference's groups. The others are controls: zero says nothing of the reference, "
        "shuffled gives each gene's values to other groups. What a control scores was not learnt from the reference.",
        group=REFERENCE,
    )
    resolution: float = setting(
        4.0,
        "Resolution of the groups",
        "Leiden's resolution when the reference is grouped into centroids: higher gives more and smaller groups. "
        "The paper's is 1.",
        group=REFERENCE,
        gt=0,
        le=50,
    )
    epochs: int = setting(
        100,
        "Most epochs",
        "Passes over the tissue's cells. How many are used is chosen on cells or genes that were kept aside.",
        ge=1,
        le=2000,
    )
    patience: int = setting(
        8, "Patience", "Epochs without a better score on what was kept aside, before a trial ends.", ge=1, le=500
    )
    batch_size: int = setting(256, "Batch size", "Cells per step.", ge=2, le=8192)
    learning_rate: float = setting(1e-3, "Learning rate", "Adam's step size.", gt=0, le=0.1)
    weight_decay: float = setting(1e-5, "Weight decay", "Adam's pull of every weight towards zero.", ge=0, le=1)
    dropout: float = setting(
        0.3, "Dropout", "Share of hidden units that a training step leaves out.", group=NETWORK, ge=0, lt=1
    )
    input_dropout: float = setting(
        0.5,
        "Dropout of genes",
        "Unseen region only: the share of input genes that each training step leaves out. The paper has none.",
        group=NETWORK,
        ge=0,
        lt=1,
    )
    masked: float = setting(
        0.2,
        "Share of masked genes",
        "Unmeasured gene only: the share of input genes that each training step hides and asks for.",
        gt=0,
        lt=1,
    )
    standardise: bool = setting(
        True,
        "Standardise genes",
        "Unseen region only: give each gene mean 0 and deviation 1, as the paper says; its code does not.",
        group=NETWORK,
    )
    heads: int = setting(4, "Heads", "Attention heads; they share the width.", group=NETWORK, ge=1, le=64)
    width: int = setting(
        256, "Width", "Numbers per embedded cell or centroid, a multiple of the heads.", group=NETWORK, ge=8, le=2048
    )
    hidden: int = setting(512, "Hidden units", "Of each encoder's first layer.", group=NETWORK, ge=8, le=4096)


def estimate_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    """One fit on one thread: grouping the reference, one trial and a last training of some 20 epochs each (measured at
    500 to 900 input genes). Panels below 200 genes take five trials of less work each, about as long."""
    assert isinstance(config, CasperConfig)
    steps = max(1.0, n_tissue / config.batch_size)
    step_s = 0.002 + 0.012 * (config.batch_size / 256) * (config.hidden / 512)
    return (10.0 + n_reference * 0.002 + 2 * min(config.epochs, 20) * steps * step_s) / 60


def estimate_memory_gb(n_tissue: int, n_reference: int, n_genes: int, config: Config) -> float:
    """Peak memory: the panel dense four times, the reference's logarithms sparse at a quarter filled, torch itself."""
    return 0.8 + (4 * n_tissue * min(n_genes, 1000) * 4 + 2 * n_reference * n_genes * 0.25 * 8) / 1e9


card = MethodCard(
    name="casper",
    title="CASPER",
    paper="CASPER: Cross-Modal Alignment of Spatial and Single-Cell Profiles for Expression Recovery",
    question="What would this tissue cell express of a gene that the panel lacks, and which reference groups say so?",
    where="in the cell",
    needs=(
        "a tissue with coordinates",
        "a reference of dissociated cells that measured the panel's genes and those to be imputed",
    ),
    gives=(
        "the expression of every gene asked for, in every tissue cell",
        "each cell's attention: how much it read from which group of reference cells",
    ),
    version=1,
    config=CasperConfig,
    presets={
        "Quick look": {"epochs": 15, "hidden": 128, "width": 64},
        "Standard": {},
        # methods.md, trap 4: the released file names 1e-4 under a key that the code does not read.
        "As in the paper": PUBLISHED | {"epochs": 200, "batch_size": 128, "learning_rate": 1e-4, "heads": 8},
        "As released": PUBLISHED | {"epochs": 500, "batch_size": 1024, "heads": 2, "standardise": False},
    },
    minutes=estimate_minutes,
    memory_gb=estimate_memory_gb,
    tracks=("unmeasured-gene", "unseen-region"),
)
