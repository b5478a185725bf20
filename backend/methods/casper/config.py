"""CASPER's settings and card. Importing this costs nothing (no torch): pages, the command line and the docs read it."""

from __future__ import annotations

from typing import Literal

from backend.methods.contract import Config, MethodCard, setting

NETWORK, REFERENCE = "Network", "Reference"


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
        10, "Patience", "Epochs without a better score on what was kept aside, before a trial ends.", ge=1, le=500
    )
    batch_size: int = setting(256, "Batch size", "Cells per step.", ge=2, le=8192)
    learning_rate: float = setting(1e-3, "Learning rate", "Adam's step size.", gt=0, le=0.1)
    weight_decay: float = setting(1e-5, "Weight decay", "Adam's pull of every weight towards zero.", ge=0, le=1)
    dropout: float = setting(
        0.1, "Dropout", "Share of hidden units that a training step leaves out.", group=NETWORK, ge=0, lt=1
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
        "Unseen region only: give each input gene mean 0 and deviation 1, as the paper says; its code does not.",
        group=NETWORK,
    )
    heads: int = setting(4, "Heads", "Attention heads; they share the width.", group=NETWORK, ge=1, le=64)
    width: int = setting(
        256, "Width", "Numbers per embedded cell or centroid, a multiple of the heads.", group=NETWORK, ge=8, le=2048
    )
    hidden: int = setting(512, "Hidden units", "Of each encoder's first layer.", group=NETWORK, ge=8, le=4096)


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
        "As in the paper": {"resolution": 1.0, "epochs": 200, "batch_size": 128, "learning_rate": 1e-4, "heads": 8},
        "As released": {
            "resolution": 1.0,
            "epochs": 500,
            "batch_size": 1024,
            "learning_rate": 1e-3,
            "heads": 2,
            "standardise": False,
        },
    },
    minutes=lambda n_tissue, n_reference, config: 1.0,
    memory_gb=lambda n_tissue, n_reference, n_genes, config: 1.0,
    tracks=("unmeasured-gene", "unseen-region"),
)
