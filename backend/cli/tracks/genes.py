"""Tracks of imputation: genes that are hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.cli.answer import Answer, as_table, one_line

if TYPE_CHECKING:
    from backend.evaluation.genes.bench.evaluate import Request


def run(request: Request, say: Callable[[str], None]) -> Answer:
    from backend.evaluation.genes.bench.evaluate import evaluate

    made = evaluate(request, say)
    return Answer(_brief(made) | {"out": str(request.out)}, _as_text(made, request.out))


def _brief(made: dict[str, Any]) -> dict[str, Any]:
    """Without the rows of single genes, which stand in the file."""
    methods = {
        name: {key: value for key, value in found.items() if not key.startswith("genes") or key == "genes_scored"}
        for name, found in made["methods"].items()
    }
    return {key: value for key, value in made.items() if key != "winners"} | {"methods": methods}


_HEADS = (
    "method", "PCC", "95 % (genes)", "depth-partial PCC", "SRCC", "SSIM (Li)", "bins PCC", "excluded", "constant", "s",
    "MB",
)  # fmt: skip


def _as_text(made: dict[str, Any], out: Path) -> str:
    lines = [_line(name, found) for name, found in made["methods"].items()]
    head = (
        f"{made['track']}, {made['shared_genes']} shared genes, {len(made['folds'])} of {made['of_folds']} folds, "
        f"truth {made['truth']}, seed {made['seed']}, {made['threads']} threads. Means over genes, per cell."
    )
    said = [one_line(f"Note: {text}") for text in made["warnings"]]
    said += [
        one_line(f"{name} failed: {found['error']['what']} {found['error']['why']} {found['error']['mend']}")
        for name, found in made["methods"].items()
        if "error" in found
    ]
    table = as_table(_HEADS, lines, "Nothing was scored.")
    return "\n".join([head, "", table, "", made["verdict"], *said, f"Everything stands in {out}."])


def _line(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    if "error" in found:
        return (name, *["-"] * (len(_HEADS) - 1))
    ends = found["intervals"]["pcc_genes"]
    bins = found["levels"].get("bin", {}).get("pcc_mean")
    numbers = [found["pcc_mean"], found["pcc_depth_partial_mean"], found["srcc_mean"], found["ssim_mean"], bins]
    shown = ["-" if value is None else f"{value:.4f}" for value in numbers]
    interval = f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else "-"
    rest = (str(found["excluded"]), str(found["constant"]), f"{found['seconds']:.1f}", f"{found['peak_mb']:.0f}")
    return (name, shown[0], interval, *shown[1:], *rest)
