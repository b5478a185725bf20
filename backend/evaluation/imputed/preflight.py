"""What one is told before an imputation starts, from records and gene tables alone: no matrix, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from backend.datasets.paired import names_as_in, plan_genes
from backend.errors import UserError
from backend.evaluation.imputed.fits import COMPARATORS
from backend.evaluation.imputed.opened import FEWEST_REFERENCE_CELLS, MOST_VALUES
from backend.evaluation.imputed.run import FOLDS
from backend.evaluation.preflight import device_words
from backend.methods import registry
from backend.methods.contract import Config, MethodCard, Track
from backend.records import DatasetRecord, Preflight
from backend.store import index, matrix

FEW_GENES = 50  # shared: each fold reads four fifths of them
FEW_CELLS = 100  # of a reference
_FACTS_MINUTES = 2e-5  # per gene: what the reference says of it, measured with 900 inputs
_VALUE_MINUTES = 2e-9  # per cell and gene: imputed values written, their order in space


@dataclass(frozen=True)
class Sides:
    """Genes that both have, and those of the reference that the panel lacks: imputed, and too rare for that."""

    tissue: DatasetRecord
    reference: DatasetRecord
    shared: int
    unmeasured: int
    imputed: int
    rare: int


def look_ahead(
    method: str, config: Config, tissue: str, reference: str, orthologues: str | None, track: Track
) -> Preflight:
    """Raises `UserError` where the run could not work: too few shared genes, a method that needs counts and a reference
    that has none, a package that is not installed."""
    card = registry.card(method)
    around, loose = index.get(DatasetRecord, tissue), index.get(DatasetRecord, reference)
    _refuse(card, around, loose)
    plan_genes(around, loose, None, orthologues)
    sides = _sides(around, loose, orthologues, track)
    rivals = [registry.cards()[name] for name in COMPARATORS[track] if name in registry.cards() and name != method]
    return Preflight(
        answers=_answers(sides, track),
        shared_genes=sides.shared,
        input_genes=sides.shared - sides.shared // FOLDS,
        dropped=_dropped(sides, track),
        warnings=_warnings(sides),
        memory_gb=round(_memory_gb(card, config, sides), 1),
        minutes=round(_minutes(card, config, rivals, sides), 1),
        device=device_words(),
        split=_split(sides, track, [rival.title for rival in rivals]),
    )


def _refuse(card: MethodCard, tissue: DatasetRecord, reference: DatasetRecord) -> None:
    without = [part for part in (tissue, reference) if part.scale != "counts"]
    if card.needs_counts and without:
        names = " and ".join(part.name for part in without)
        raise UserError(
            f"{card.title} reads counts, and {names} {'hold' if len(without) > 1 else 'holds'} none.",
            "It models how counts come about; numbers that were normalised do not come about so.",
            "Add the file again with its raw counts (a layer or `raw`), or choose another method.",
        )
    if card.extra is not None and not _installed(card.extra):
        raise UserError(
            f"{card.title} needs the package {card.extra}, which is not installed.",
            mend=f"Install it with `pip install {card.extra}`, or choose another method.",
        )


def _installed(package: str) -> bool:
    try:
        version(package.split("=")[0].split("<")[0].split(">")[0].strip())
    except PackageNotFoundError:
        return False
    return True


def _sides(tissue: DatasetRecord, reference: DatasetRecord, orthologues: str | None, track: Track) -> Sides:
    panel = {str(gene) for gene in matrix.var(tissue.id).index}
    detection = matrix.var(reference.id)["detection"].to_numpy(dtype=float)
    names = names_as_in(tissue, reference, orthologues)
    shared = sum(name in panel for name in names)
    off = [share for name, share in zip(names, detection, strict=True) if name is not None and name not in panel]
    shown = sum(share * reference.n_cells >= FEWEST_REFERENCE_CELLS - 0.5 for share in off)
    imputed = min(shown, MOST_VALUES // max(1, tissue.n_cells)) if track == "unmeasured-gene" else 0
    return Sides(tissue, reference, shared, len(off), imputed, len(off) - shown)


def _answers(sides: Sides, track: Track) -> str:
    cells = f"For each of the {sides.tissue.n_cells:,} cells of {sides.tissue.name}:"
    if track == "unseen-region":
        return f"{cells} what {sides.shared:,} measured genes would be where they had not been measured."
    return (
        f"{cells} the expression of {sides.imputed:,} genes that its panel lacks, from {sides.reference.name}; and how "
        f"far each of them, and of the {sides.shared:,} genes that both measured, can be believed."
    )


def _dropped(sides: Sides, track: Track) -> tuple[str, ...]:
    said = []
    alone = sides.tissue.n_genes - sides.shared
    if alone:
        said.append(f"{alone:,} of the tissue's {sides.tissue.n_genes:,} genes are not in the reference, and not read.")
    if track == "unseen-region":
        return tuple(said)
    if sides.rare:
        said.append(
            f"{sides.rare:,} genes that the panel lacks are not imputed: fewer than {FEWEST_REFERENCE_CELLS} reference "
            "cells show them."
        )
    left = sides.unmeasured - sides.rare - sides.imputed
    if left:
        said.append(
            f"{left:,} more are left out, those that vary least: {sides.tissue.n_cells:,} cells leave room for "
            f"{sides.imputed:,} genes. Genes that are asked for come first."
        )
    return tuple(said)


def _warnings(sides: Sides) -> tuple[str, ...]:
    said = []
    if sides.shared < FEW_GENES:
        said.append(f"Only {sides.shared} genes are shared: a score over so few genes is rough, and so is the verdict.")
    if sides.reference.n_cells < FEW_CELLS:
        said.append(f"The reference has {sides.reference.n_cells} cells: few to learn from.")
    if sides.tissue.scale != "counts":
        said.append(
            f"{sides.tissue.name} does not hold counts ({sides.tissue.scale}): a total over all its genes may be in "
            "its numbers, and tell of the genes that are hidden. Its scores may flatter."
        )
    if sides.reference.scale != "counts":
        said.append(
            f"{sides.reference.name} does not hold counts ({sides.reference.scale}); its depth is only guessed."
        )
    if sides.tissue.spots:
        said.append("Its units are spots, which mix cells; the methods take each for one cell.")
    if sides.tissue.species != sides.reference.species:
        said.append("The species differ: only genes with one partner in the other species are used.")
    return tuple(said)


def _memory_gb(card: MethodCard, config: Config, sides: Sides) -> float:
    tissue, reference = sides.tissue, sides.reference
    own = card.memory_gb(tissue.n_cells, reference.n_cells, sides.shared, config)
    # What is held at once beside the method: truth, imputed, and scores in double precision, over the shared genes.
    return own + 20 * tissue.n_cells * sides.shared / 1e9


def _minutes(card: MethodCard, config: Config, rivals: list[MethodCard], sides: Sides) -> float:
    n, m = sides.tissue.n_cells, sides.reference.n_cells
    fits = (FOLDS + (sides.imputed > 0)) * card.minutes(n, m, config)
    compared = FOLDS * sum(rival.minutes(n, m, rival.config()) for rival in rivals)
    genes = sides.shared + sides.imputed
    return fits + compared + _FACTS_MINUTES * genes + _VALUE_MINUTES * n * genes


def _split(sides: Sides, track: Track, rivals: list[str]) -> str:
    beside = f" beside {', '.join(rivals)}" if rivals else ""
    if track == "unseen-region":
        return (
            f"The tissue is cut into tiles. {FOLDS} times a fifth of the genes is hidden in a fifth of the tiles, with "
            f"a border around them, and scored there{beside}."
        )
    return (
        f"{FOLDS} times a fifth of the {sides.shared:,} shared genes is hidden, imputed from the others, and scored"
        f"{beside}. What the panel lacks comes from a last fit that reads all of them."
    )
