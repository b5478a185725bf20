"""A simulated tumour whose truth is known: two sections, a dissociated reference, and a high-plex validation section.

The same seed gives the same numbers. Its constants are frozen before any method is tuned on it, and were set so that it
resembles CosMx lung (docs/methods.md): detection about .09, a ridge from a cell's own panel to its context without
self-loop at .2 to .4 (median gene), a ceiling of that score of about .6. Wherever it is shown it is called simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.sparse import csr_matrix, vstack
from scipy.spatial import cKDTree

from backend.datasets.simulated_biology import (
    COMPOSITION,
    DISSOCIATION,
    HOUSEKEEPING,
    MARKERS,
    NICHES,
    PROGRAMS,
    TYPES,
)
from backend.settings import PROJECT

N_GENES, N_PANEL, N_REFERENCE = 2000, 300, 4000
SPACING_UM = 17.0  # of the lattice that cells are jittered around: some 4,000 cells per mm2
EXPOSURE_UM = 40.0  # reach of the neighbours that act on a cell
TISSUE_DEPTH, REFERENCE_DEPTH, VALIDATION_DEPTH = 44.0, 1300.0, 260.0  # median counts over the genes measured
DEPTH_SPREAD, NOISE_SHAPE = 0.45, 1.6  # sd of log depth; gamma shape of the cell-by-gene noise
MARKER_STRENGTH, PROGRAM_STRENGTH, BACKGROUND_STRENGTH = 3.4, 2.8, 0.8
BATCH_SPREAD = 0.35  # sd of log per-gene efficiency between platforms
DROPOUT = 0.12  # of the reference's transcripts, gene by gene


@dataclass(frozen=True)
class Sample:
    """Cells with their truth. counts: cells x genes, CSR. truth: niche, type and exposures; context: the true context
    (sigma 50 um, no self-loop, every gene) is computed from `counts` and `coordinates_um` where those are kept."""

    counts: csr_matrix
    genes: tuple[str, ...]
    coordinates_um: NDArray[np.float32]
    section: NDArray[np.str_]
    truth: pd.DataFrame


@dataclass(frozen=True)
class Demo:
    """tissue: two sections, panel only. reference: dissociated cells (its coordinates are truth, never given away).
    validation: one section, all genes."""

    tissue: Sample
    reference: Sample
    validation: Sample


def simulate(seed: int = 0) -> Demo:
    """Make the demo: some seconds."""
    rng = np.random.default_rng(seed)
    genes = gene_names()
    profile = _profiles(np.random.default_rng(seed + 1), genes)
    panel = _panel(np.random.default_rng(seed + 2), genes)
    efficiency = np.exp(rng.normal(0.0, BATCH_SPREAD, (3, len(genes))))
    sections = [_section(rng, name, side_um) for name, side_um in (("A", 850.0), ("B", 850.0), ("C", 850.0))]
    imager = _Platform(efficiency[0], TISSUE_DEPTH, keep=panel)
    tissue = _measure(rng, sections[:2], profile, genes, imager)
    validation = _measure(rng, sections[2:], profile, genes, _Platform(efficiency[1], VALIDATION_DEPTH))
    hidden = [_section(rng, "H", 1400.0)]
    reference = _measure(rng, hidden, profile, genes, _Platform(efficiency[2], REFERENCE_DEPTH, dropout=DROPOUT))
    return Demo(tissue, _dissociate(rng, reference), validation)


@cache
def gene_names() -> tuple[str, ...]:
    """The demo's 2,000 symbols, sorted: markers, program genes and housekeeping first of all, the rest from a list."""
    named = [*HOUSEKEEPING, *(g for group in MARKERS.values() for g in group)]
    named += [gene for _, _, group in PROGRAMS.values() for gene in group]
    rest = (PROJECT / "assets" / "simulated_genes.txt").read_text().split()
    return tuple(sorted(list(dict.fromkeys([*named, *rest]))[:N_GENES]))


def _panel(rng: np.random.Generator, genes: tuple[str, ...]) -> NDArray[np.int64]:
    """A designed panel: most markers and program genes, filled up with others."""
    named = {g for group in MARKERS.values() for g in group[:8]}
    named |= {gene for _, _, group in PROGRAMS.values() for gene in group[:9]}
    chosen = [i for i, gene in enumerate(genes) if gene in named]
    others = rng.permutation([i for i, gene in enumerate(genes) if gene not in named and gene not in HOUSEKEEPING])
    return np.sort(np.concatenate([chosen, others[: N_PANEL - len(chosen)]])).astype(np.int64)


@dataclass(frozen=True)
class _Profiles:
    by_type: NDArray[np.float64]  # types x genes, log rate
    by_exposure: NDArray[np.float64]  # programs x types x genes


def _profiles(rng: np.random.Generator, genes: tuple[str, ...]) -> _Profiles:
    place = {gene: i for i, gene in enumerate(genes)}
    base = rng.normal(0.0, 0.9, len(genes))
    for gene in HOUSEKEEPING:
        base[place[gene]] = 2.5
    sparse_effect = rng.random((len(TYPES), len(genes))) < 0.12
    by_type = base + rng.normal(0.0, BACKGROUND_STRENGTH, sparse_effect.shape) + 1.8 * sparse_effect
    for t, markers in enumerate(MARKERS.values()):
        for rank, gene in enumerate(markers):
            others = np.arange(len(TYPES)) != t
            by_type[t, place[gene]] = base[place[gene]] * 0.3 + MARKER_STRENGTH * (1.0 - 0.03 * rank)
            by_type[others, place[gene]] = np.minimum(by_type[others, place[gene]], base[place[gene]] * 0.3 - 0.6)
    by_exposure = np.zeros((len(PROGRAMS), len(TYPES), len(genes)))
    for p, (_, types, group) in enumerate(PROGRAMS.values()):
        members = [t for t, name in enumerate(TYPES) if types == ("*",) or name in types]
        for gene in group:
            by_exposure[p, members, place[gene]] = PROGRAM_STRENGTH * rng.uniform(0.7, 1.1)
        followers = np.flatnonzero(rng.random(len(genes)) < 0.15)  # genes nobody has named yet
        by_exposure[p][np.ix_(np.array(members), followers)] += rng.normal(0.0, 1.1, len(followers))
    return _Profiles(by_type, by_exposure)


@dataclass(frozen=True)
class _Section:
    name: str
    coordinates_um: NDArray[np.float64]
    niche: NDArray[np.int64]
    type_: NDArray[np.int64]
    exposure: NDArray[np.float64]  # cells x programs, in [0, 1]


def _section(rng: np.random.Generator, name: str, side_um: float) -> _Section:
    xy = _lattice(rng, side_um)
    niche = _niches(rng, xy, side_um)
    shares = np.array([COMPOSITION[n] for n in NICHES])
    cumulative = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    type_ = (rng.random((len(xy), 1)) > cumulative[niche]).sum(axis=1)
    return _Section(name, xy, niche, type_, exposures(xy, niche, type_))


def _lattice(rng: np.random.Generator, side_um: float) -> NDArray[np.float64]:
    """Cells on a jittered hexagonal lattice, never on top of each other, cut to a rounded outline."""
    rows = np.arange(0.0, side_um, SPACING_UM * np.sqrt(0.75))
    columns = np.arange(0.0, side_um, SPACING_UM)
    x, y = np.meshgrid(columns, rows)
    x[1::2] += SPACING_UM / 2
    xy = np.column_stack([x.ravel(), y.ravel()]) + rng.normal(0.0, SPACING_UM * 0.16, (x.size, 2))
    middle = (xy - side_um / 2) / (side_um / 2)
    inside = np.abs(middle[:, 0]) ** 4 + np.abs(middle[:, 1]) ** 4 < 0.98
    return np.asarray(xy[inside & (rng.random(len(xy)) > 0.04)])


def _niches(rng: np.random.Generator, xy: NDArray[np.float64], side_um: float) -> NDArray[np.int64]:
    """Nests where a smooth random field is high, an interface around them, aggregates and vessels in what is left."""
    grid_um = 5.0
    shape = (int(side_um / grid_um) + 3,) * 2

    def field(scale_um: float) -> NDArray[np.float64]:
        smooth = gaussian_filter(rng.normal(size=shape), scale_um / grid_um, mode="wrap")
        return np.asarray(map_coordinates(smooth / smooth.std(), xy.T / grid_um, order=1, mode="nearest"))

    nest, aggregate, vessel = field(75.0), field(50.0), field(30.0)
    niche = np.full(len(xy), NICHES.index("Stroma"))
    niche[vessel > 1.25] = NICHES.index("Vessel")
    niche[aggregate > 1.3] = NICHES.index("Immune aggregate")
    niche[nest > -0.05] = NICHES.index("Interface")
    niche[nest > 0.3] = NICHES.index("Tumour nest")
    return niche


def exposures(xy: NDArray[np.float64], niche: NDArray[np.int64], type_: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each cell's neighbours (Gaussian, `EXPOSURE_UM`, itself left out) do to it: cells x programs, in [0, 1]."""
    tree = cKDTree(xy)
    distance = tree.sparse_distance_matrix(tree, 2.5 * EXPOSURE_UM, output_type="coo_matrix").tocsr()
    weights = distance.copy()
    weights.data = np.exp(-np.square(distance.data) / (2 * EXPOSURE_UM**2)) * (distance.data > 0)

    def around(*names: str) -> NDArray[np.float64]:
        member = np.isin(type_, [TYPES.index(name) for name in names]).astype(float)
        total = np.maximum(np.asarray(weights.sum(axis=1), dtype=np.float64).ravel(), 1e-9)
        return np.asarray(weights @ member / total, dtype=np.float64)

    levels = {
        "deep in nest": np.clip((around("Tumour") - 0.6) / 0.3, 0, 1),
        "near tumour": np.clip(around("Tumour") / 0.6, 0, 1),
        "near fibroblasts": np.clip(around("Fibroblast", "Myofibroblast") / 0.4, 0, 1),
        "near T cells": np.clip(around("CD8 T cell", "CD4 T cell") / 0.3, 0, 1),
        "near B cells": np.clip(around("B cell") / 0.25, 0, 1),
        "near vessels": np.clip(around("Endothelial", "Pericyte") / 0.4, 0, 1),
    }
    return np.column_stack([levels[exposure] for exposure, _, _ in PROGRAMS.values()])


@dataclass(frozen=True)
class _Platform:
    efficiency: NDArray[np.float64]  # per gene
    depth: float  # median counts of a cell
    keep: NDArray[np.int64] | None = None  # the genes it measures; None: all
    dropout: float = 0.0


def _measure(
    rng: np.random.Generator,
    sections: list[_Section],
    profiles: _Profiles,
    genes: tuple[str, ...],
    platform: _Platform,
) -> Sample:
    """Draw counts: log rate = type + exposures, gamma noise, platform efficiency, log-normal depth, Poisson."""
    keep = np.arange(len(genes)) if platform.keep is None else platform.keep
    blocks = []
    for section in sections:
        log_rate = profiles.by_type[section.type_][:, keep]
        for p in range(len(PROGRAMS)):
            log_rate += section.exposure[:, [p]] * profiles.by_exposure[p][section.type_][:, keep]
        rate = np.exp(log_rate) * platform.efficiency[keep] * rng.gamma(NOISE_SHAPE, 1 / NOISE_SHAPE, log_rate.shape)
        rate *= rng.random(rate.shape) >= platform.dropout
        # The same reference amount for every cell: a cell full of panel transcripts has more counts, as in life.
        amount = np.median(rate.sum(axis=1))
        cell_depth = platform.depth * np.exp(rng.normal(0.0, DEPTH_SPREAD, (len(rate), 1)))
        blocks.append(csr_matrix(rng.poisson(rate / amount * cell_depth).astype(np.float32)))
    return Sample(
        counts=csr_matrix(vstack(blocks)),
        genes=tuple(genes[i] for i in keep),
        coordinates_um=np.concatenate([s.coordinates_um for s in sections]).astype(np.float32),
        section=np.concatenate([np.repeat(s.name, len(s.niche)) for s in sections]),
        truth=pd.concat([_truth(s) for s in sections], ignore_index=True),
    )


def _truth(section: _Section) -> pd.DataFrame:
    table = pd.DataFrame(section.exposure.astype(np.float32), columns=list(PROGRAMS))
    table.insert(0, "type", np.array(TYPES)[section.type_])
    table.insert(1, "niche", np.array(NICHES)[section.niche])
    return table


def _dissociate(rng: np.random.Generator, sample: Sample) -> Sample:
    """Keep `N_REFERENCE` cells, each type as it survives, in random order."""
    survival = sample.truth["type"].map(DISSOCIATION).to_numpy(dtype=float)
    chosen = rng.choice(len(survival), N_REFERENCE, replace=False, p=survival / survival.sum())
    return Sample(
        counts=csr_matrix(sample.counts[chosen]),
        genes=sample.genes,
        coordinates_um=sample.coordinates_um[chosen],
        section=sample.section[chosen],
        truth=sample.truth.iloc[chosen].reset_index(drop=True),
    )
