"""`evaluate`: methods of imputation on genes that are hidden from them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from backend.cli.answer import Answer, as_table, one_line
from backend.errors import UserError
from backend.records import Answers, Unit

Track = Literal["unmeasured-gene", "unseen-region"]


def evaluate(
    method: Annotated[str, typer.Option(metavar="M[,M...]", help="Names of methods; best is ours.")],
    tissue: Annotated[Path, typer.Option(help="The tissue's file.")],
    reference: Annotated[Path, typer.Option(help="The reference's file.")],
    out: Annotated[Path, typer.Option(help="The JSON file that is written.")],
    track: Annotated[Track, typer.Option(help="What is hidden.")] = "unmeasured-gene",
    folds: Annotated[int, typer.Option(min=2, help="How many parts the shared genes are cut into.")] = 5,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of the methods; folds are always the same.")] = 0,
    fold: Annotated[list[int] | None, typer.Option(min=0, help="Only this one, from 0; may be repeated.")] = None,
    cells: Annotated[int | None, typer.Option(min=1, help="Only the tissue's first cells.")] = None,
    split: Annotated[
        Literal["blocks", "casper-seed42"], typer.Option(help="How unseen-region holds cells out.")
    ] = "blocks",
    truth: Annotated[
        Literal["T1", "T2", "T3"], typer.Option(help="Compared with: T1 input depth; T2 as SpaGene; T3 as CASPER.")
    ] = "T1",
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the predictions.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="METHOD.KEY=VALUE", help="One setting of one method.")
    ] = None,
    unit: Annotated[Unit | None, typer.Option(help="Unit of the tissue's coordinates.")] = None,
    um_per_px: Annotated[
        float | None, typer.Option("--um-per-px", help="Size of a pixel in micrometres.", min=1e-6, max=1e6)
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: only these tissue cells.")] = None,
    section_column: Annotated[str | None, typer.Option(help="The column that names sections.")] = None,
    counts_from: Annotated[str | None, typer.Option(help="X, raw, or layers/NAME of the tissue.")] = None,
) -> Answer:
    """Score methods on genes of the tissue that are hidden from them, beside each other and on the same folds.

    Of the tissue's file only expression and coordinates are read, and columns of cells that a flag names."""
    from backend.evaluation.genes.bench.evaluate import Request
    from backend.evaluation.genes.bench.evaluate import evaluate as run
    from backend.evaluation.genes.tracks import Plan

    names = tuple(name.strip() for name in method.split(",") if name.strip())
    answers = Answers(
        unit=unit or ("px" if um_per_px else None),
        um_per_px=um_per_px,
        keep=dict(_pair(text, "--keep") for text in keep or []),
        section_column=section_column or "",
        counts_from=counts_from,
    )
    request = Request(
        names, tissue, reference, out, track, folds, tuple(dict.fromkeys(fold or [])), seed, cells,
        Plan(truth, split), answers, _settings(names, given or []), save,
    )  # fmt: skip
    made = run(request, lambda text: print(text, file=sys.stderr, flush=True))
    return Answer(_brief(made) | {"out": str(out)}, _as_text(made, out))


def _pair(text: str, flag: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"{flag} takes KEY=VALUE, not {text!r}")
    return key, value


def _settings(names: tuple[str, ...], given: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        key, value = _pair(text, "--set")
        name, dot, setting = key.partition(".")
        if not (dot and name in names):
            raise UserError(f"--set {text!r} names no method that was asked for.", mend=f"Write {names[0]}.KEY=VALUE.")
        try:
            found.setdefault(name, {})[setting] = json.loads(value)
        except ValueError:
            found.setdefault(name, {})[setting] = value
    return found


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


def register(root: typer.Typer) -> None:
    """The command that stands at the top."""
    root.command()(evaluate)
