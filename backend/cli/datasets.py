"""`datasets ...`"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from backend import api
from backend.cli import versions
from backend.cli.answer import Answer, as_facts, as_findings, as_table
from backend.cli.waiting import finish
from backend.errors import NotFound
from backend.records import Answers, DatasetRecord, Finding, GeneIds, Role, Species, Unit

app = typer.Typer(help="Tissues and references.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="One file; a second one for coordinates.")]
RoleFlag = Annotated[Role, typer.Option("--role", help="What the data are.")]
Name = Annotated[str | None, typer.Option(help="How it is called; the file's name otherwise.")]
UnitFlag = Annotated[Unit | None, typer.Option(help="Unit of the coordinates.")]
PixelSize = Annotated[
    float | None, typer.Option("--um-per-px", help="Size of a pixel in micrometres.", min=1e-6, max=1e6)
]
Keep = Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: only these cells; may be repeated.")]
CountsFrom = Annotated[str | None, typer.Option(help="X, raw, or layers/NAME.")]
SpeciesFlag = Annotated[Species | None, typer.Option("--species")]
Ids = Annotated[GeneIds | None, typer.Option("--gene-ids", help="Symbols or Ensembl.")]
Column = Annotated[str | None, typer.Option(help="A column of the cells' table; '' for none.")]
Spots = Annotated[Literal["yes", "no"] | None, typer.Option(help="Whether a position is a spot of several cells.")]
Which = Annotated[str, typer.Argument(metavar="DATASET", help="An id, or a name that only one has.")]


def _answers(
    unit: UnitFlag = None,
    um_per_px: PixelSize = None,
    keep: Keep = None,
    counts_from: CountsFrom = None,
    species: SpeciesFlag = None,
    gene_ids: Ids = None,
    type_column: Column = None,
    section_column: Column = None,
    sample_column: Column = None,
    patient_column: Column = None,
    condition_column: Column = None,
    spots: Spots = None,
) -> Answers:
    """The flags that the doctor's findings name."""
    given = {**locals(), "spots": None if spots is None else spots == "yes", "keep": {}}
    for pair in keep or []:
        column, equals, value = pair.partition("=")
        if not (column and equals):
            raise typer.BadParameter(f"--keep takes COLUMN=VALUE, not {pair!r}")
        given["keep"][column] = value
    if um_per_px and unit not in (None, "px"):
        raise typer.BadParameter(f"--um-per-px is the size of a pixel, and --unit {unit} says that these are none")
    return Answers.model_validate(given)


def _with_answers(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """The same command, whose last argument, `answers`, is taken from the flags of `_answers`."""
    own, flags = (inspect.signature(function, eval_str=True).parameters for function in (command, _answers))

    def flagged(**given: Any) -> Answer:
        answers = _answers(**{name: given.pop(name) for name in flags})
        return command(**given, answers=answers)

    kept = [parameter for name, parameter in own.items() if name != "answers"]
    joined = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*kept, *flags.values())]
    flagged.__signature__ = inspect.Signature(joined)  # type: ignore[attr-defined]
    flagged.__annotations__ = {parameter.name: parameter.annotation for parameter in joined}
    flagged.__name__, flagged.__doc__ = command.__name__, command.__doc__
    return flagged


@app.command()
@_with_answers
def add(files: Files, role: RoleFlag, answers: Answers, name: Name = None) -> Answer:
    """Read, check and add one data set; say what was mended and what was guessed."""
    job = finish(api.add_dataset(files, role, name, answers, trusted=True))
    record = api.dataset(job.result["dataset"])
    if name and record.name != name:
        print(f"These measurements were here before: they keep the name {record.name!r}.", file=sys.stderr)
    return _one(record)


@app.command()
@_with_answers
def check(
    files: Annotated[list[str], typer.Argument(help="One or two files, or a data set that was added.")],
    answers: Answers,
    role: RoleFlag = "tissue",
) -> Answer:
    """Say what the doctor finds, and add nothing."""
    if not Path(files[0]).exists():
        return _added(files[0])
    job = finish(api.inspect([Path(file) for file in files], role, answers, trusted=True))
    findings = [Finding.model_validate(finding) for finding in job.result["findings"]]
    facts = job.result.get("facts", {})
    return Answer(
        {"id": job.id, "findings": findings, "facts": facts},
        as_findings(findings) or "Nothing to say: it can be added.",
    )


def _added(text: str) -> Answer:
    try:
        return _one(api.find_dataset(text))
    except NotFound as error:
        why = "It is neither a file nor a data set that was added." if "There is no" in error.what else error.why
        raise NotFound(error.what, why, error.mend) from None


@app.command("list")
def list_all(archived: Annotated[bool, typer.Option(help="The archived ones too.")] = False) -> Answer:
    """All data sets."""
    found = api.datasets(archived=archived)
    lines = [(d.id, d.role, d.n_cells, d.n_genes, d.species, d.name) for d in found]
    heads = ("id", "role", "cells", "genes", "species", "name")
    return Answer(found, as_table(heads, lines, "No data set yet: `datasets add FILE --role tissue`."))


@app.command()
def show(dataset: Which) -> Answer:
    """One data set and what the doctor said of it."""
    return _one(api.find_dataset(dataset))


@app.command()
def archive(dataset: Which, undo: Annotated[bool, typer.Option("--undo", help="Bring it back.")] = False) -> Answer:
    """Take a data set out of the lists; studies that use it go on working."""
    return _one(api.archive_dataset(api.find_dataset(dataset).id, archived=not undo))


@app.command()
def delete(dataset: Which) -> Answer:
    """Delete a data set for good; refused while a study needs it."""
    record = api.find_dataset(dataset)
    api.delete_dataset(record.id)
    return Answer({"id": record.id, "deleted": True}, f"Deleted {record.name} ({record.id}).")


versions.register(app)


def _one(record: DatasetRecord) -> Answer:
    facts = {
        "id": record.id,
        "name": record.name,
        "role": record.role + (", simulated" if record.simulated else ""),
        "size": f"{record.n_cells:,} {'spots' if record.spots else 'cells'} x {record.n_genes:,} genes",
        "species": record.species,
        "scale": f"{record.scale} (from {record.counts_from})",
        "types": "named in the data" if record.has_types else "none named",
    }
    if record.role != "reference":
        facts["sections"] = ", ".join(record.sections)
    if record.neighbour_um is not None:
        facts["neighbour"] = f"{record.neighbour_um:.1f} um to the nearest one, at the median"
    if record.parent:
        facts["made from"] = record.parent
    return Answer(record, "\n".join([as_facts(facts), *record.left_out, as_findings(record.findings)]).rstrip())
