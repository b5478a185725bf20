"""`studies ...`"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from backend import api
from backend.cli.answer import Answer, as_facts, as_table
from backend.cli.waiting import settle_types
from backend.records import Role, StudyRecord

app = typer.Typer(help="A tissue and a reference under one name.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="STUDY", help="An id, or a name that only one has.")]
Dataset = Annotated[str, typer.Option(help="A data set's id or name.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="How the study is called.")],
    tissue: Dataset,
    reference: Dataset,
    validation: Annotated[str | None, typer.Option(help="A high-plex tissue to score on.")] = None,
    orthologues: Annotated[
        Path | None, typer.Option(help="CSV with the columns human and mouse, instead of the table that comes along.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the cell types are there.")] = False,
) -> Answer:
    """Put a tissue and a reference together; refused where they cannot work."""
    scored_on = api.find_dataset(validation).id if validation else None
    parts = api.find_dataset(tissue).id, api.find_dataset(reference).id, scored_on
    study = api.create_study(name, *parts, orthologues, trusted=True)
    if wait:
        settle_types(study.id)
    return _one(study)


@app.command("list")
def list_all(archived: Annotated[bool, typer.Option(help="The archived ones too.")] = False) -> Answer:
    """All studies."""
    found = api.studies(archived=archived)
    lines = [(s.id, s.tissue, s.reference, s.validation or "-", s.name) for s in found]
    heads = ("id", "tissue", "reference", "validation", "name")
    return Answer(found, as_table(heads, lines, "No study yet: `studies create`, or `demo` for a simulated one."))


@app.command()
def show(study: Which) -> Answer:
    """One study and its runs."""
    return _one(api.find_study(study))


@app.command()
def steps(study: Which) -> Answer:
    """The checklist of a study, and what comes next."""
    found = api.checklist(api.find_study(study).id)
    lines = [("done" if step.done else "open", step.name, step.says, _minutes(step.minutes)) for step in found]
    return Answer(
        [dataclasses.asdict(step) for step in found], as_table(("", "step", "how it stands", "takes"), lines, "")
    )


def _minutes(minutes: float | None) -> str:
    return "" if minutes is None else f"{minutes:.1f} min"


@app.command()
def settle(study: Which, step: Annotated[api.StepName, typer.Argument(help="A step of `studies steps`.")]) -> Answer:
    """Say that a step is good as it is."""
    api.settle(api.find_study(study).id, step)
    return steps(study)


@app.command()
def duplicate(study: Which, name: Annotated[str, typer.Option(help="How the copy is called.")]) -> Answer:
    """The same data, types and colours under another name."""
    return _one(api.duplicate_study(api.find_study(study).id, name))


@app.command()
def use(
    study: Which,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Often another version of the same.")],
    role: Annotated[Role, typer.Option(help="In which place of the study.")],
) -> Answer:
    """Put another data set into a study; its runs stay with the data that they were made from."""
    return _one(api.use_dataset(api.find_study(study).id, role, api.find_dataset(dataset).id))


@app.command()
def undo(study: Which) -> Answer:
    """Take the last change of a study back."""
    return _one(api.undo(api.find_study(study).id))


def _one(study: StudyRecord) -> Answer:
    runs = [run.id for run in api.runs(study.id)]
    facts = {
        "id": study.id,
        "name": study.name + (" (simulated)" if study.simulated else ""),
        "tissue": _named(study.tissue),
        "reference": _named(study.reference),
        "validation": _named(study.validation) if study.validation else "none: scored on two halves of the tissue",
        **{f"types of {dataset}": source for dataset, source in study.types.items()},
        **({"orthologues": f"a table of your own ({study.orthologues})"} if study.orthologues else {}),
        "runs": ", ".join(runs) or "none",
    }
    return Answer({**study.model_dump(mode="json"), "runs": runs}, as_facts(facts))


def _named(dataset_id: str) -> str:
    return f"{api.dataset(dataset_id).name} ({dataset_id})"
