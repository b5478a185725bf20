"""SpaGene's settings and card. Importing this costs nothing (no torch): pages, commands and docs read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backend.methods.contract import Config, MethodCard, setting

NETWORK, LOSSES, DATA = "Network", "Losses", "Cells and genes"


class SpageneConfig(Config):
    """Defaults are those that worked on masked input genes (docs/methods.md); the published ones are presets."""

    depth: Literal["matched", "raw"] = setting(
        "matched",
        "Depth",
        "matched: tissue cells are brought to their median total over the input genes, reference cells to the same "
        "depth. raw: counts as they are, as published; a cell's depth then shows in every imputed gene. A reference "
        "without counts is brought to one depth either way.",
        group=DATA,
    )
    min_cell_density: float = setting(
        0.02,
        "Fewest genes of a cell",
        "Cells that express a smaller share of the genes are imputed, but not trained on. Published: 0.1.",
        group=DATA,
        ge=0,
        lt=1,
    )
    tissue_genes: int = setting(
        1000, "Tissue genes read", "The most variable input genes, where there are more.", group=DATA, ge=2, le=20_000
    )
    reference_genes: int = setting(
        500,
        "Reference genes learnt",
        "The reference's auto-encoder learns the genes that the panel shares, filled up to this number with the most "
        "variable others. Any other gene asked for is read from the decoder's last hidden layer by ridge regression. "
        "Published: 2000.",
        group=DATA,
        ge=0,
        le=20_000,
    )
    size: Literal["panel", "published"] = setting(
        "panel",
        "Width of the networks",
        "panel: layers as wide as the panel asks for, a small panel trains in seconds. published: 2,048 units and "
        "down, whatever the panel.",
        group=NETWORK,
    )
    latent_tissue: int | None = setting(
        None,
        "Latents, tissue",
        "Numbers that describe a tissue cell. Empty: as the width.",
        group=NETWORK,
        ge=2,
        le=4096,
    )
    latent_reference: int | None = setting(
        None,
        "Latents, reference",
        "Numbers per reference cell. Empty: as the width.",
        group=NETWORK,
        ge=2,
        le=4096,
    )
    autoencoder_epochs: int = setting(
        20, "Epochs, auto-encoders", "Passes that teach each auto-encoder its own cells.", ge=1, le=2000
    )
    epochs: int = setting(10, "Epochs, translators", "Passes that teach translators and critics.", ge=1, le=2000)
    batch_size: int = setting(128, "Batch size", "Cells per step.", ge=4, le=4096)
    translator_lr: float = setting(
        1e-3, "Learning rate, translators", "Adam's step size, halved every 10 epochs.", gt=0, le=0.1
    )
    critic_lr: float = setting(5e-4, "Learning rate, critics", "Adam's step size for the critics.", gt=0, le=0.1)
    lambda_cycle: float = setting(
        6.0, "Weight of the cycle", "There and back again must give the same expression.", group=LOSSES, ge=0, le=1000
    )
    lambda_identity: float = setting(
        10.0,
        "Weight of identity",
        "Translated expression must correlate with the cell's own, gene by gene. At 0 little ties a cell to its image.",
        group=LOSSES,
        ge=0,
        le=1000,
    )
    lambda_coral: float = setting(
        0.3, "Weight of CORAL", "Translated and real latents must covary alike.", group=LOSSES, ge=0, le=1000
    )
    lambda_mmd: float = setting(
        0.3, "Weight of MMD", "Translated and real latents must be distributed alike.", group=LOSSES, ge=0, le=1000
    )
    lambda_adversary: float = setting(
        1e-3, "Weight of the critics", "Translated latents must look real. At 0 no critic.", group=LOSSES, ge=0, le=1000
    )
    lambda_critic: float = setting(
        1.0, "Weight of the hinge", "Of the critics' own loss, against their penalty.", group=LOSSES, gt=0, le=1000
    )
    gradient_penalty: float = setting(
        10.0, "Gradient penalty", "Keeps the critics smooth.", group=LOSSES, ge=0, le=1000
    )
    mmd_kernel: Literal["median", "fixed"] = setting(
        "median",
        "Kernel of MMD",
        "median: as wide as the median distance of the batch. fixed: exp(-0.3 d²), as released; it sees only what is "
        "very near.",
        group=LOSSES,
    )
    gan_mode: Literal["paper", "released"] = setting(
        "paper",
        "Hinge",
        "paper: critics learn to tell translated from real latents. released: as in the authors' code, where both are "
        "pushed to the same side, so that the critics do nothing; for comparison.",
        group=LOSSES,
    )


@dataclass(frozen=True)
class Sizes:
    """Layer widths. encoder: of both encoders, and in reverse of both decoders."""

    encoder: tuple[int, ...]
    to_reference: tuple[int, ...]
    to_tissue: tuple[int, ...]
    critic: tuple[int, ...]
    latent_tissue: int
    latent_reference: int


def sizes(n_tissue: int, config: SpageneConfig) -> Sizes:
    """`published`: methods.md §2.2. `panel`: from the power of two above the number of input genes, 64 to 512."""
    if config.size == "published":
        return Sizes(
            encoder=(2048, 1024, 512),
            to_reference=(512, 512, 512, 1024, 1024),
            to_tissue=(512, 256, 256, 128, 128),
            critic=(256, 128, 128, 64),
            latent_tissue=config.latent_tissue or 512,
            latent_reference=config.latent_reference or 2048,
        )
    width = 64
    while width < min(n_tissue, 512):
        width *= 2
    return Sizes(
        encoder=(width, width // 2),
        to_reference=(width // 2, width // 2),
        to_tissue=(width // 2, width // 2),
        critic=(128, 64),
        latent_tissue=config.latent_tissue or width // 8,
        latent_reference=config.latent_reference or width // 8,
    )


def published(
    latents: tuple[int, int], epochs: tuple[int, int], cycle: float = 6.0, hinge: float = 1e-4, critic_lr: float = 5e-4
) -> Mapping[str, Any]:
    """A row of methods.md §2.3, with what all rows have in common; but with the paper's hinge, and MMD as released."""
    return {
        "depth": "raw",
        "min_cell_density": 0.1,
        "reference_genes": 2000,
        "size": "published",
        "latent_tissue": latents[0],
        "latent_reference": latents[1],
        "autoencoder_epochs": epochs[0],
        "epochs": epochs[1],
        "lambda_cycle": cycle,
        "lambda_critic": hinge,
        "critic_lr": critic_lr,
        "mmd_kernel": "fixed",
    }


def estimate_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    """Training time of one fit: steps x seconds per step, as measured on one thread at some 700 input genes."""
    assert isinstance(config, SpageneConfig)
    tissue, reference = (max(8, n // config.batch_size) for n in (n_tissue, n_reference))
    read_s, step_s = (0.15, 0.35) if config.size == "published" else (0.012, 0.03)
    scale = config.batch_size / 128
    autoencoders = config.autoencoder_epochs * (tissue + reference) * read_s * scale
    return (autoencoders + config.epochs * max(tissue, reference) * step_s * scale + 5.0) / 60


def estimate_memory_gb(n_tissue: int, n_reference: int, n_genes: int, config: Config) -> float:
    """Peak memory: the reference twice (sparse, a quarter filled), what the networks read of both sides, torch itself.

    n_genes: of the reference. Genes beyond those learnt are read in portions, and cost one hidden layer of numbers."""
    assert isinstance(config, SpageneConfig)
    sparse = 2 * n_reference * n_genes * 0.25 * 12
    dense = 2 * 4 * (n_tissue * min(n_genes, config.tissue_genes) + n_reference * min(n_genes, 3000))
    weights = 16 * (30e6 if config.size == "published" else 4e6) + 4 * n_genes * 2048
    return 0.6 + (sparse + dense + weights) / 1e9


card = MethodCard(
    name="spagene",
    title="SpaGene",
    paper="SpaGene: A Deep Adversarial Framework for Spatial Gene Imputation (bioRxiv 2025.10.03.680242)",
    question="For each tissue cell: how strongly does it express a gene that the panel lacks?",
    where="in the cell",
    needs=(
        "a tissue of single cells",
        "a reference of dissociated cells that shares genes with the tissue's panel and holds the genes asked for",
        "better: a reference in counts; logarithms are undone, and cells brought to one depth",
    ),
    gives=(
        "the expression of every gene asked for, in every tissue cell, in the reference's square-root scale",
        "no statement of doubt of its own: intervals come from the genes that were held out",
    ),
    version=1,
    config=SpageneConfig,
    presets={
        "Quick look": {"autoencoder_epochs": 8, "epochs": 4},
        "Standard": {},
        "Thorough": {"autoencoder_epochs": 60, "epochs": 30},
        "Paper: MERFISH": published((512, 256), (100, 100), cycle=2.0),
        "Paper: NanoString": published((512, 2048), (100, 50), hinge=1e-3),
        "Paper: osmFISH, AllenSSp": published((512, 256), (50, 50)),
        "Paper: osmFISH, AllenVISp": published((1024, 2048), (20, 20)),
        "Paper: osmFISH, Zeisel; seqFISH": published((512, 256), (100, 50)),
        "Paper: STARmap": published((512, 256), (50, 50), hinge=1e-3, critic_lr=1e-4),
    },
    minutes=estimate_minutes,
    memory_gb=estimate_memory_gb,
    tracks=("unmeasured-gene",),
)
