"""`datasets cut|sections|region|versions`: other versions of a data set."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from backend import api
from backend.cli.answer import Answer, as_facts, as_table
from backend.cli.waiting import finish
from backend.errors import UserError
from backend.records import Cut, Recipe

Which = Annotated[str, typer.Argument(metavar="DATASET", help="An id, or a name that only one has.")]
Name = Annotated[str | None, typer.Option(help="How it is called; the data set's name and what was done otherwise.")]
Pairs = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the commands of this file to `datasets`."""
    for command in (cut, sections, region, versions):
        app.command()(command)


def cut(
    dataset: Which,
    least: Annotated[Pairs, typer.Option(help="MEASURE=NUMBER: cells with at least this; may be repeated.")] = None,
    most: Annotated[Pairs, typer.Option(help="MEASURE=NUMBER: cells with at most this; may be repeated.")] = None,
    where: Annotated[Pairs, typer.Option(help="COLUMN=VALUE,VALUE: only these cells; may be repeated.")] = None,
    suggested: Annotated[
        bool, typer.Option("--suggested", help="Cut where the data suggest; --least and --most win.")
    ] = False,
    most_cells: Annotated[
        int | None, typer.Option("--most-cells", min=10, help="A tissue: one piece; a reference: balanced by type.")
    ] = None,
    balance: Annotated[str | None, typer.Option(help="types, or the job whose types balance a reference.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    name: Name = None,
) -> Answer:
    """Keep only some cells, as a new version. MEASURE is counts, genes, area_um2, control_share, mito_share, or a
    column of numbers."""
    record = api.find_dataset(dataset)
    ends = {one.measure: (one.least, one.most) for one in api.suggested_cuts(record.id)} if suggested else {}
    for flag, given, end in (("--least", least, 0), ("--most", most, 1)):
        for measure, text in _pairs(flag, given):
            low, high = ends.get(measure, (None, None))
            ends[measure] = (_number(flag, text), high) if end == 0 else (low, _number(flag, text))
    known = {measure: pair for measure, pair in ends.items() if pair != (None, None)}
    cuts = tuple(Cut(measure=measure, least=low, most=high) for measure, (low, high) in known.items())
    values = {column: tuple(value.strip() for value in text.split(",")) for column, text in _pairs("--where", where)}
    by = "column" if balance == "types" else balance
    recipe = Recipe(cuts=cuts, where=values, most_cells=most_cells, balance_by=by, seed=seed)
    return _made(record.id, recipe, name)


def sections(
    dataset: Which,
    gap: Annotated[float | None, typer.Option(min=1, help="Cut where this much is empty, in um.")] = None,
    column: Annotated[str | None, typer.Option(help="The column that names the sections.")] = None,
    sample: Annotated[str | None, typer.Option(help="The column that names the samples.")] = None,
    patient: Annotated[str | None, typer.Option(help="The column that names the patients.")] = None,
    condition: Annotated[str | None, typer.Option(help="The column that names the conditions.")] = None,
    name: Name = None,
) -> Answer:
    """Divide a tissue into sections, as a new version; without any option, say what its gaps suggest."""
    record = api.find_dataset(dataset)
    given = {"section": column, "sample": sample, "patient": patient, "condition": condition}
    columns = {what: one for what, one in given.items() if one is not None}
    if gap is None and not columns:
        found = api.suggested_sections(record.id)
        rows = list(found.table.itertuples(index=False, name=None))
        value = {"id": record.id, "said": found.said, "gap_um": found.gap_um, "sections": dict(rows)}
        return Answer(value, f"{found.said}\n{as_table(('section', 'cells'), rows, '')}")
    return _made(record.id, Recipe.model_validate({"columns": columns, "gap_um": gap}), name)


def region(
    dataset: Which,
    cells: Annotated[int, typer.Option(min=10, help="About how many cells it holds.")],
    name: Name = None,
) -> Answer:
    """One contiguous square of a tissue with as many kinds of cells as can be, as a new version."""
    record = api.find_dataset(dataset)
    return _made(record.id, Recipe(regions=(api.suggested_region(record.id, cells),)), name)


def versions(dataset: Which) -> Answer:
    """All versions of a data set, oldest first, and what each left out."""
    found = api.versions(api.find_dataset(dataset).id)
    lines = [(d.id, d.parent or "-", d.n_cells, d.name, "; ".join(d.left_out[:1]) or "-") for d in found]
    return Answer(found, as_table(("id", "made from", "cells", "name", "left out"), lines, ""))


def _made(dataset_id: str, recipe: Recipe, name: str | None) -> Answer:
    job = finish(api.start_version(dataset_id, recipe, name))
    record = api.dataset(str(job.result["dataset"]))
    cells = f"{record.n_cells:,} of {job.result['of']:,}"
    facts = {"id": record.id, "name": record.name, "made from": dataset_id, "cells": cells}
    if record.role != "reference":
        facts["sections"] = ", ".join(record.sections)
    return Answer(record, "\n".join([as_facts(facts), *record.left_out]))


def _pairs(flag: str, given: Pairs) -> list[tuple[str, str]]:
    found = []
    for pair in given or []:
        column, equals, value = pair.partition("=")
        if not (column and equals and value):
            raise typer.BadParameter(f"{flag} takes NAME=VALUE, not {pair!r}")
        found.append((column, value))
    return found


def _number(flag: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{text!r} is not a number.", mend=f"Write {flag} counts=10.")
    return number
