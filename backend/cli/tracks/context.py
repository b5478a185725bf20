"""The track of contexts: surroundings that are hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.cli.answer import Answer, as_table, one_line

if TYPE_CHECKING:
    from backend.evaluation.context.evaluate import Request

_HEADS = ("method", "median PCC", "95 % (genes)", "95 % (blocks)", "with self-loop", "halves", "best gene", "s")
_MORE = {"cells": "null: cells", "genes": "null: genes"}


def run(request: Request, say: Callable[[str], None]) -> Answer:
    from backend.evaluation.context.evaluate import evaluate

    made = evaluate(request, say)
    return Answer(_brief(made) | {"out": str(request.out)}, _as_text(made, request.out))


def _brief(made: dict[str, Any]) -> dict[str, Any]:
    """Without the rows of single genes, which stand in the file."""
    methods = {
        name: {key: value for key, value in found.items() if key != "genes"} for name, found in made["methods"].items()
    }
    return {key: value for key, value in made.items() if key != "panel_genes"} | {"methods": methods}


def _as_text(made: dict[str, Any], out: Path) -> str:
    nulls = [name for name in _MORE if any(name in found.get("nulls", {}) for found in made["methods"].values())]
    heads = (*_HEADS, *(["shifted"] if made["shift"] else []), *(_MORE[name] for name in nulls))
    lines = [_line(name, found, nulls, shift=bool(made["shift"])) for name, found in made["methods"].items()]
    ceiling = "" if made["ceiling"] is None else f", ceiling {made['ceiling']:.2f}"
    head = (
        f"context, σ {made['sigma_um']:g} µm, {made['panel']} of {made['shared_genes']} shared genes, "
        f"{' and '.join(str(half['scored']) for half in made['halves'])} cells scored, seed {made['seed']}{ceiling}. "
        "Medians over genes, the cell itself left out of the truth."
    )
    said = [one_line(f"Note: {text}") for text in made["warnings"]]
    said += [
        one_line(f"{name} failed: {found['error']['what']} {found['error']['why']} {found['error']['mend']}")
        for name, found in made["methods"].items()
        if "error" in found
    ]
    table = as_table(heads, lines, "Nothing was scored.")
    return "\n".join([head, "", table, *_sweep(made), "", made["verdict"], *said, f"Everything stands in {out}."])


def _line(name: str, found: dict[str, Any], nulls: list[str], *, shift: bool) -> tuple[str, ...]:
    if "error" in found:
        return (name, *["-"] * (len(_HEADS) - 1 + shift + len(nulls)))
    ends = [_interval(found["intervals"][kind]) for kind in ("genes", "blocks")]
    halves = " / ".join(_number(value) for value in found["halves"].values())
    best = f"{found['best_gene']} {_number(found['best_pcc'])}"
    row = [name, _number(found["median_pcc"]), *ends, _number(found["median_pcc_self_loop"]), halves, best]
    row.append(f"{found['seconds']:.1f}")
    row += [_number(found["shift"]["median_pcc"])] if shift else []
    return (*row, *(_number(found["nulls"][null]["median_pcc"]) for null in nulls))


def _sweep(made: dict[str, Any]) -> list[str]:
    """Medians at every radius, where there is more than one."""
    radii = sorted(made["sweep"], key=float)
    if len(radii) < 2:
        return []
    medians = [made["sweep"][radius]["methods"] for radius in radii]
    lines = [
        (name, *(_number(found[name]["median_pcc"]) if name in found else "-" for found in medians))
        for name in made["methods"]
    ]
    return ["", as_table(("method", *(f"σ {radius} µm" for radius in radii)), lines, "")]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(ends: list[float] | None) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else "-"
