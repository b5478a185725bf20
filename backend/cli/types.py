"""`types ...`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from backend import api
from backend.cli.answer import Answer, as_facts, as_table
from backend.cli.waiting import finish
from backend.errors import NotFound, UserError
from backend.records import JobStatus

app = typer.Typer(
    help="The names of a study's cells. A study keeps its names until the new ones are there.", no_args_is_help=True
)

ROLES = ("tissue", "reference", "validation")
Study = Annotated[str, typer.Argument(help="A study's id, or a name that only one has.")]
Dataset = Annotated[str, typer.Option("--dataset", help="tissue, reference, validation, or a data set's id or name.")]
Resolution = Annotated[float, typer.Option(help="0.1 to 5; higher: more, smaller groups.")]
File = Annotated[Path, typer.Argument(help="The file.")]


def _place(study: str, dataset: str) -> tuple[str, str]:
    """The ids of the study and of its data set."""
    record = api.find_study(study)
    if dataset not in ROLES:
        return record.id, api.find_dataset(dataset).id
    found = getattr(record, dataset)
    if found is None:
        raise NotFound(f"{record.name!r} has no {dataset} data set.", mend="Choose another with --dataset.")
    return record.id, str(found)


def _use(study_id: str, job: JobStatus) -> Answer:
    """Wait, and put the names in use."""
    done = finish(job)
    api.use_naming(study_id, done.id)
    facts = {name: value for name, value in done.result.items() if not isinstance(value, list | dict)}
    return Answer({"id": done.id, **done.result}, as_facts({"id": done.id, **facts}))


@app.command()
def show(study: Study, dataset: Dataset = "tissue") -> Answer:
    """The types in use, how many cells have each, and where they come from."""
    study_id, dataset_id = _place(study, dataset)
    found = api.cell_types(study_id, dataset_id)
    colours = api.study(study_id).colours
    sizes = found.table["type"].astype(str).value_counts()
    lines = [(name, int(cells), colours.get(str(name), "-")) for name, cells in sizes.items()]
    value = {
        "dataset": dataset_id, "source": found.source, "job": api.study(study_id).types[dataset_id],
        "types": [{"type": name, "cells": cells, "colour": colours.get(str(name))} for name, cells, _ in lines],
    }  # fmt: skip
    return Answer(value, f"{found.source}\n\n{as_table(('type', 'cells', 'colour'), lines, 'No names yet.')}")


@app.command()
def transfer(study: Study, dataset: Dataset = "tissue") -> Answer:
    """Transfer the types of the study's reference, with a probability."""
    place = _place(study, dataset)
    return _use(place[0], api.annotate(*place, "transfer"))


@app.command()
def leiden(study: Study, dataset: Dataset = "tissue", resolution: Resolution = 1.0) -> Answer:
    """Group the cells by expression: numbered groups."""
    place = _place(study, dataset)
    return _use(place[0], api.annotate(*place, "leiden", resolution))


@app.command()
def markers(study: Study, file: File, dataset: Dataset = "tissue", resolution: Resolution = 1.0) -> Answer:
    """Name groups of similar cells by marker lists: lines `type: GENE, GENE`, or a table of type and gene."""
    place = _place(study, dataset)
    return _use(place[0], api.name_by_markers(*place, _text(file), resolution))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file.name} is not text in UTF-8.", mend="Save it as plain text.") from None
    except OSError as error:
        raise UserError(f"{str(file)!r} cannot be read.", error.strerror or "", "Check the path.") from None


@app.command(
    help=f"Apply a CellTypist model that was converted to a table. These lines convert one:\n\n{api.CONVERT_MODEL}"
)
def model(
    study: Study,
    file: File,
    dataset: Dataset = "tissue",
    vote: Annotated[bool, typer.Option("--vote", help="Each group of similar cells takes its commonest type.")] = False,
) -> Answer:
    place = _place(study, dataset)
    return _use(place[0], api.name_by_model(*place, file, vote=vote, trusted=True))


@app.command("import")
def read(study: Study, file: File, dataset: Dataset = "tissue") -> Answer:
    """Take the names from a CSV of cell_id and group, as Xenium Explorer writes it."""
    place = _place(study, dataset)
    return _use(place[0], api.import_groups(*place, file, trusted=True))


@app.command("export")
def write(
    study: Study, out: Annotated[Path, typer.Argument(help="The CSV to write.")], dataset: Dataset = "tissue"
) -> Answer:
    """Write the names as a CSV of cell_id and group, as Xenium Explorer reads it."""
    content = api.export_groups(*_place(study, dataset))
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UserError(f"{str(out)!r} cannot be written.", error.strerror or "", "Choose another path.") from None
    return Answer({"path": str(out), "cells": content.count(b"\n") - 1}, str(out))


@app.command()
def edit(
    study: Study,
    dataset: Dataset = "tissue",
    rename: Annotated[list[str] | None, typer.Option(help="OLD=NEW; two types of one name are merged.")] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="TYPE=leiden:RESOLUTION, or TYPE=GENE>VALUE; may be repeated.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="GROUP=NAME: a group that an earlier naming found.")] = None,
) -> Answer:
    """Rename, merge and split types; name groups."""
    place = _place(study, dataset)
    splits = {type_: _split(how) for type_, how in _pairs(split, "--split").items()}
    job = api.edit_types(*place, _pairs(rename, "--rename"), splits, _pairs(group, "--group"))
    return _use(place[0], job)


def _pairs(given: list[str] | None, flag: str) -> dict[str, str]:
    """A name may hold "=": the last one parts old and new."""
    pairs = {}
    for text in given or []:
        old, equals, new = text.rpartition("=")
        if not (equals and old):
            raise typer.BadParameter(f"{flag} takes OLD=NEW, not {text!r}")
        pairs[old] = new
    return pairs


def _split(how: str) -> dict[str, Any]:
    by, _, value = how.partition(":") if how.startswith("leiden:") else how.partition(">")
    try:
        number = float(value)
    except ValueError:
        raise typer.BadParameter(f"--split takes TYPE=leiden:RESOLUTION or TYPE=GENE>VALUE, not {how!r}") from None
    if how.startswith("leiden:"):
        return {"by": "leiden", "resolution": number}
    return {"by": "gene", "gene": by, "above": number}


@app.command()
def colour(
    study: Study, pairs: Annotated[list[str], typer.Argument(metavar="TYPE=#RRGGBB...", help="TYPE= gives it back.")]
) -> Answer:
    """Choose the colours of types, in all data sets of the study."""
    chosen = {name: value or None for name, value in _pairs(pairs, "colour").items()}
    record = api.set_colours(api.find_study(study).id, chosen)
    return Answer(record, as_facts(record.colours) if record.colours else "All colours are the palette's own.")
