"""`evaluate`: methods on what is hidden from them, beside each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.cli.answer import Answer
from backend.cli.tracks import context, genes, options
from backend.errors import UserError
from backend.records import Answers, Unit


def evaluate(
    asked: typer.Context,
    method: Annotated[str, typer.Option(metavar="M[,M...]", help="Names of methods; best is ours.")],
    tissue: Annotated[Path, typer.Option(help="The tissue's file.")],
    out: Annotated[Path, typer.Option(help="The JSON file that is written.")],
    reference: Annotated[
        Path | None, typer.Option(help="The reference's file. Context: without one, the tissue's cells stand for it.")
    ] = None,
    track: options.Track = "unmeasured-gene",
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Of the methods, and of context's panel; folds stay the same.")
    ] = 0,
    cells: Annotated[int | None, typer.Option(min=1, help="Only the tissue's first cells.")] = None,
    folds: options.Folds = 5,
    fold: options.Fold = None,
    split: options.Split = "blocks",
    truth: options.Truth = "T1",
    sigma: options.Sigma = None,
    panel: options.Panel = 300,
    nulls: options.Nulls = False,
    shift: options.Shift = False,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the predictions.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="METHOD.KEY=VALUE", help="One setting of one method.")
    ] = None,
    unit: options.TissueUnit = None,
    um_per_px: options.Pixel = None,
    keep: options.Keep = None,
    section_column: options.Section = None,
    counts_from: options.Counts = None,
) -> Answer:
    """Score methods beside each other on what is hidden from them: genes of the tissue, or, with --track context, the
    surroundings of the cells of one half of it.

    Of the tissue's file only expression and coordinates are read, and columns of cells that a flag names."""
    _refuse_foreign(asked, track)
    names = tuple(name.strip() for name in method.split(",") if name.strip())
    settings = _settings(names, given or [])
    answers = _answers(unit, um_per_px, keep or [], section_column, counts_from)
    if track == "context":
        from backend.evaluation.context.evaluate import Request as Contexts
        from backend.evaluation.context.files import Source

        source, radii = Source(tissue, reference, answers, cells), tuple(dict.fromkeys(sigma or [50.0]))
        return context.run(Contexts(names, source, out, radii, panel, seed, nulls, shift, settings, save), _say)
    if reference is None:
        raise UserError(f"The track {track} needs a reference.", mend="Name its file with --reference.")
    from backend.evaluation.genes.bench.evaluate import Request
    from backend.evaluation.genes.tracks import Plan

    request = Request(
        names, tissue, reference, out, track, folds, tuple(dict.fromkeys(fold or [])), seed, cells,
        Plan(truth, split), answers, settings, save,
    )  # fmt: skip
    return genes.run(request, _say)


def _answers(
    unit: Unit | None, um_per_px: float | None, keep: list[str], section_column: str | None, counts_from: str | None
) -> Answers:
    return Answers(
        unit=unit or ("px" if um_per_px else None),
        um_per_px=um_per_px,
        keep=dict(_pair(text, "--keep") for text in keep),
        section_column=section_column or "",
        counts_from=counts_from,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _refuse_foreign(asked: typer.Context, track: str) -> None:
    """A flag of another track would be ignored without a word."""
    foreign = options.OF_GENES if track == "context" else options.OF_CONTEXT
    wrong = [f"--{name}" for name in foreign if _typed(asked, name)]
    if wrong:
        raise UserError(f"{', '.join(wrong)} says nothing on the track {track}.", mend="Leave it out.")


def _typed(asked: typer.Context, name: str) -> bool:
    source = asked.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


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


def register(root: typer.Typer) -> None:
    """The command that stands at the top."""
    root.command()(evaluate)
