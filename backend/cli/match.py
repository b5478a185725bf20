"""`match`: does the atlas fit the tissue, and which fits best?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from backend import api
from backend.cli.answer import Answer, as_facts, as_table, rows
from backend.cli.waiting import finish
from backend.errors import UserError

Study = Annotated[str, typer.Argument(help="An id, or a name that only one has.")]


def match(
    study: Study,
    atlas: Annotated[str | None, typer.Option(help="Another atlas than the study's: id or name.")] = None,
    rank: Annotated[bool, typer.Option("--rank", help="Match every atlas on this server, the best first.")] = False,
) -> Answer:
    """Say how well an atlas matches a study's tissue: genes, markers, types without a counterpart, and a fit."""
    chosen = api.find_study(study).id
    if rank:
        return _ranking(chosen)
    job = finish(api.start_match(chosen, api.find_dataset(atlas).id if atlas else None))
    found = api.match(job.id)
    shown = {key: value for key, value in found.facts.items() if not isinstance(value, list | dict)}
    parts = {f"fit: {name}": value for name, value in found.facts["parts"].items()}
    heads = ("type", "cells", "nearest", "r", "limit", "present", "markers", "counterpart")
    table = as_table(heads, found.types[list(heads)].itertuples(index=False), "No type has enough cells.")
    said = "\n".join([*found.facts["reasons"], *found.facts["warnings"]])
    return Answer(
        {"id": job.id, "facts": found.facts, "types": rows(found.types)},
        f"{as_facts({'id': job.id} | shown | parts)}\n\n{said}\n\n{table}",
    )


def _ranking(study_id: str) -> Answer:
    for job in api.start_ranking(study_id):
        try:
            finish(job)
        except UserError:  # an atlas that shares no genes stands in the table with its reason
            continue
    ranked = api.rank_atlases(study_id)
    lines = [(row.record.name, *_numbers(row)) for row in ranked]
    heads = ("atlas", "fit", "verdict", "shared", "types", "cells with counterpart", "why not")
    text = as_table(heads, lines, "No atlas yet: `datasets add`.")
    if len(ranked) > 1 and (why := api.why_better(*ranked[:2])):
        text += f"\n\n{ranked[0].record.name} is better than {ranked[1].record.name} by {why}."
    return Answer([_plain(row) for row in ranked], text)


def _numbers(row: api.Ranked) -> tuple[Any, ...]:
    if row.facts is None:
        return "-", "-", "-", "-", "-", _why(row)
    facts = row.facts
    held = f"{facts['counterpart']:.0%}"
    return f"{facts['fit']:.0f}", facts["verdict"], facts["shared"], facts["atlas_type_count"], held, ""


def _why(row: api.Ranked) -> str:
    error = (row.job.error or {}) if row.job else {}
    return row.skipped or error.get("what") or "It was not matched."


def _plain(row: api.Ranked) -> dict[str, Any]:
    return {"atlas": row.record.id, "name": row.record.name, "job": row.job.id if row.job else None} | (
        {"facts": row.facts} if row.facts else {"why_not": _why(row)}
    )


def register(root: typer.Typer) -> None:
    """The command that stands at the top."""
    root.command()(match)
