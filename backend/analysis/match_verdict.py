"""What the numbers of a match mean, in sentences."""

from __future__ import annotations

from typing import Any

FITS_FROM, PART_FROM = 0.8, 0.5  # share of the tissue's cells with a counterpart
PANEL_FROM = 0.6  # share of the panel
LIKE_FROM = 0.3  # Spearman's correlation of mean expression: CosMx lung has .55 to .65 with atlases of lung and node
SAYS = {  # the parts of a fit
    "panel": "share of the panel's genes in the atlas",
    "expression": "agreement of mean expression",
    "cells": "share of cells with a counterpart",
    "names": "share of cells with a sure name",
    "types": "how well the shared genes tell its types apart",
}


def judge(facts: dict[str, Any]) -> dict[str, Any]:
    """facts: of a match, without these: verdict ("fits", "fits in part", "does not fit"), reasons and warnings."""
    panel = facts["shared"] / max(facts["panel"], 1)
    foreign = facts["counterpart"] < PART_FROM or facts["r_genes"] < LIKE_FROM
    verdict = "does not fit" if foreign else "fits in part"
    if not foreign and facts["counterpart"] >= FITS_FROM and panel >= PANEL_FROM and not facts["organs"]:
        verdict = "fits"
    return {"verdict": verdict, "reasons": _reasons(facts), "warnings": _warnings(facts, foreign)}


def compare(best: dict[str, Any], other: dict[str, Any]) -> str:
    """Why one match is better than another: the part of the fit that sets them apart most, as a clause; what speaks
    for the other one comes after it. Both are the facts of a finished match."""
    gaps = {name: (2 if name == "cells" else 1) * (best["parts"][name] - other["parts"][name]) for name in SAYS}
    name, against = max(gaps, key=gaps.__getitem__), min(gaps, key=gaps.__getitem__)
    said = f"{SAYS[name]}: {best['parts'][name]:.2f} against {other['parts'][name]:.2f}"
    if gaps[against] >= -0.02:
        return said
    return (
        f"{said}; the other is ahead in {SAYS[against]}: {other['parts'][against]:.2f} to {best['parts'][against]:.2f}"
    )


def _reasons(facts: dict[str, Any]) -> list[str]:
    said = [f"{facts['shared']:,} of the {facts['panel']:,} panel genes are in the atlas."]
    kind = "groups of similar cells" if facts["grouped"] else "cell types"
    gone = facts["no_counterpart"]
    if not gone:
        said.append(f"All {facts['types']} {kind} of the tissue have a counterpart in it.")
    else:
        have, share = "has" if len(gone) == 1 else "have", 1 - facts["counterpart"]
        said.append(
            f"{len(gone)} of the tissue's {facts['types']} {kind} {have} no counterpart in it; {share:.0%} of the "
            "cells have none."
        )
    if facts["doubtful"]:
        said.append(
            f"{len(facts['doubtful'])} more {'is' if len(facts['doubtful']) == 1 else 'are'} like one of its types in "
            "profile, but most of the cells cannot be named surely."
        )
    said.append(f"Mean expression of the shared genes agrees with Spearman's r = {facts['r_genes']:.2f}.")
    return said


def _warnings(facts: dict[str, Any], foreign: bool) -> list[str]:
    said = []
    tissue, atlas = facts["species"]
    if tissue != atlas:
        said.append(
            f"The tissue is {tissue}, the atlas {atlas}: only the {facts['shared']:,} panel genes with one partner in "
            "the other species (orthologues) can be used."
        )
    held = f"{facts['counterpart']:.0%} of the tissue's cells find a counterpart"
    if foreign:
        few = f"only {held} (below {PART_FROM:.0%})" if facts["counterpart"] < PART_FROM else held
        agrees = f"mean expression agrees with r = {facts['r_genes']:.2f}"
        weak = f"{agrees} only (below {LIKE_FROM})" if facts["r_genes"] < LIKE_FROM else agrees
        said.append(f"This looks like another organ or species, or like an atlas of few of its types: {few}; {weak}.")
    elif facts["counterpart"] < FITS_FROM:
        said.append(f"Only {held}: see below which do not. Is the atlas of the same organ, and of all its cells?")
    if facts["organs"]:
        ours, theirs = (", ".join(facts["organs"][side]) for side in ("tissue", "atlas"))
        said.append(f"The files name different organs: the tissue says {ours}, the atlas {theirs}.")
    if facts["shared"] < 50:
        said.append(
            f"With {facts['shared']} shared genes much looks alike by chance: a type that is said to have no "
            "counterpart may have one."
        )
    for side, noun in (("tissue", "tissue"), ("atlas", "atlas")):
        if facts[f"{side}_sample"] < facts[f"{side}_cells"]:
            said.append(
                f"Profiles come from {facts[f'{side}_sample']:,} of the {noun}'s {facts[f'{side}_cells']:,} cells, "
                f"drawn evenly over types (seed {facts['seed']})."
            )
    return said
