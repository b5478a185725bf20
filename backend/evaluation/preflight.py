"""What one is told before a launch, from records, gene tables and coordinates alone: no matrix, no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from backend.analysis.context import REACH_SIGMAS
from backend.analysis.strips import buffer_um
from backend.datasets.paired import GenePlan, plan_genes, section_codes
from backend.evaluation.context_track import COMPARATORS, sigma_of
from backend.evaluation.splits import halves
from backend.methods import registry
from backend.methods.contract import Config
from backend.records import DatasetRecord, Preflight
from backend.settings import load
from backend.store import index, matrix

FEWEST_NEIGHBOURS = 20
FEW_GENES = 50
SAMPLED_CELLS = 400


def look_ahead(
    method: str,
    config: Config,
    tissue: str,
    reference: str,
    validation: str | None = None,
    orthologues: str | None = None,
) -> Preflight:
    """Raises `UserError` where a run could not work: too few shared genes, or a tissue too small to be halved."""
    card = registry.card(method)
    parts = [index.get(DatasetRecord, part) if part else None for part in (tissue, reference, validation)]
    around, loose, checked = parts
    assert around is not None
    assert loose is not None
    plan = plan_genes(around, loose, checked, orthologues)
    unread = card.about_genes(config, plan.input_genes) if card.about_genes else ()
    kept = card.about_memory(loose.n_cells, len(plan.input_genes), config) if card.about_memory else ""
    sigma_um = sigma_of(config, around.spots)
    table = matrix.obs(around.id, ["x_um", "y_um", "section"])
    coordinates = table[["x_um", "y_um"]].to_numpy(dtype=np.float64)
    section = section_codes(table.get("section"), len(table))
    split, buffered = _split_words(coordinates, section, sigma_um, checked)
    fits = 1 if checked else 3
    scored = checked.n_cells if checked else around.n_cells
    panel = len(plan.panel_genes)
    return Preflight(
        answers=(
            f"For each of the {loose.n_cells:,} cells of {loose.name}: which share of the cells around it, within "
            f"some {sigma_um:g} µm in {around.name}, expresses each of {panel:,} genes."
        ),
        shared_genes=panel,
        input_genes=len(plan.input_genes),
        dropped=(*_dropped_genes(plan, around, loose, checked), *unread, *buffered),
        warnings=(
            *warnings_of_radius(coordinates, section, sigma_um),
            *_warnings_of_data(plan, (around, loose, checked)),
        ),
        memory_gb=round(
            card.memory_gb(around.n_cells, loose.n_cells, len(plan.input_genes), config)
            + 8 * 4 * panel * max(scored, around.n_cells) / 1e9,
            1,
        ),
        minutes=round(
            fits * card.minutes(around.n_cells, loose.n_cells, config) + _comparator_minutes(scored, fits), 1
        ),
        device=". ".join(filter(None, (device_words(), kept))),
        split=split,
    )


def _split_words(
    coordinates: NDArray[np.float64], section: NDArray[np.int32], sigma_um: float, checked: DatasetRecord | None
) -> tuple[str, tuple[str, ...]]:
    if checked:
        return f"Trained on tissue and reference, scored on {checked.name}, which is never trained on.", ()
    left, right = halves(coordinates, section, sigma_um)
    words = (
        f"No validation tissue: trained on each half of the tissue in turn ({len(left.train):,} and "
        f"{len(right.train):,} cells, cut along x) and scored on the other. What is shown comes from a last fit on "
        "everything."
    )
    lost = len(coordinates) - len(left.train) - len(right.train)
    return words, (
        f"{lost:,} tissue cells within {buffer_um(sigma_um) / 2:g} µm of the cut are not scored.",
    ) if lost else ()


def _dropped_genes(
    plan: GenePlan, around: DatasetRecord, loose: DatasetRecord, checked: DatasetRecord | None
) -> tuple[str, ...]:
    off_panel = around.n_genes - len(plan.panel_genes)
    unread = loose.n_genes - len(plan.input_genes)
    others = "the reference" if checked is None else "the reference or the validation tissue"
    wanted = "the tissue" if checked is None else "the validation tissue"
    said = []
    if off_panel:
        said.append(f"{off_panel:,} of the tissue's {around.n_genes:,} genes {_are(off_panel)} not in {others}.")
    if unread:
        absent = f"{unread:,} of the reference's {loose.n_genes:,} genes {_are(unread)} not in {wanted}"
        said.append(f"{absent}, and not read.")
    return tuple(said)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def warnings_of_radius(
    coordinates: NDArray[np.float64], section: NDArray[np.int32], sigma_um: float
) -> tuple[str, ...]:
    said = []
    neighbours = sampled_neighbours(coordinates, section, sigma_um)
    if neighbours < FEWEST_NEIGHBOURS:
        said.append(
            f"With σ = {sigma_um:g} µm a cell's surroundings are those of some {neighbours:.0f} neighbours; below "
            f"{FEWEST_NEIGHBOURS} they are mostly noise. A larger σ, or a tissue that was not thinned, helps."
        )
    side_um = float(np.median([np.ptp(coordinates[section == label], axis=0).min() for label in np.unique(section)]))
    if 2 * buffer_um(sigma_um) > side_um:
        said.append(
            f"With σ = {sigma_um:g} µm surroundings reach {2 * buffer_um(sigma_um):,.0f} µm across, and the tissue is "
            f"{side_um:,.0f} µm: they will hardly differ between cells. A smaller σ helps."
        )
    return tuple(said)


def _warnings_of_data(
    plan: GenePlan, parts: tuple[DatasetRecord, DatasetRecord, DatasetRecord | None]
) -> tuple[str, ...]:
    around, loose, checked = parts
    said = []
    if len(plan.panel_genes) < FEW_GENES:
        said.append(f"Only {len(plan.panel_genes)} genes are shared: few to tell neighbourhoods apart by.")
    said += [
        f"{part.name} does not hold counts ({part.scale}); its depth can only be matched roughly."
        for part in (around, loose, checked)
        if part and part.scale != "counts"
    ]
    if not loose.has_types:
        said.append(f"{loose.name} has no cell types: predictions can be shown for all cells, not by type.")
    species = {part.species for part in (around, loose, checked) if part}
    if len(species) > 1:
        said.append("The species differ: only genes with one partner in the other species are used.")
    return tuple(said)


def sampled_neighbours(coordinates: NDArray[np.float64], section: NDArray[np.int32], sigma_um: float) -> float:
    """(sum w)^2 / sum w^2, the median of some cells: how many equally weighted neighbours would average as well. Below
    some 20 the measured context is mostly noise."""
    sampled = np.random.default_rng(0).permutation(len(coordinates))[:SAMPLED_CELLS]
    found = []
    for label in np.unique(section[sampled]):
        members = np.flatnonzero(section == label)
        tree = cKDTree(coordinates[members])
        for cell in sampled[section[sampled] == label]:
            near = members[tree.query_ball_point(coordinates[cell], REACH_SIGMAS * sigma_um)]
            squared = np.square(coordinates[near[near != cell]] - coordinates[cell]).sum(axis=1)
            weights = np.exp(-squared / (2 * sigma_um**2))
            found.append(weights.sum() ** 2 / np.square(weights).sum() if len(weights) else 0.0)
    return float(np.median(found)) if found else 0.0


def _comparator_minutes(scored: int, fits: int) -> float:
    # Measured: some 5 s a split, and 3 s per 10,000 scored cells for ranks and neighbours.
    return (min(fits, 2) * 5 + 3 * len(COMPARATORS) * scored / 10_000) / 60


def device_words() -> str:
    settings = load()
    words = {"cpu": f"{settings.threads} CPU threads", "cuda": "GPU"}
    return words.get(settings.device, f"GPU if the worker has one, else {settings.threads} CPU threads")
