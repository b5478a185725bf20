"""`backbones ...`"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from backend.api import context
from backend.cli.answer import Answer, as_facts, as_table

app = typer.Typer(help="Published foundation models that SCXM can build on.", no_args_is_help=True)


@app.command("list")
def list_all() -> Answer:
    """All of them, and which are here."""
    found = context.backbones()
    lines = [
        (one.name, "here" if one.here else "not here", one.layers, one.width, f"{one.parameters:,}", one.most_genes)
        for one in found
    ]
    heads = ("name", "", "layers", "width", "parameters", "genes read per cell")
    return Answer([dataclasses.asdict(one) for one in found], as_table(heads, lines, ""))


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With config.json and model.safetensors.")],
    dictionaries: Annotated[
        Path | None, typer.Option(help="The folder of the four dictionaries, if they are not beside the weights.")
    ] = None,
) -> Answer:
    """Check a published folder of Geneformer and keep it. Its dictionaries (*.pkl) are read without running them."""
    return _one(context.add_backbone(folder, dictionaries))


@app.command()
def fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="As `backbones list` has it.")]) -> Answer:
    """Download one from huggingface.co, check it and keep it."""
    return _one(context.fetch_backbone(name))


def _one(made: context.Backbone) -> Answer:
    facts = {
        "name": made.name,
        "model": made.title,
        "parameters": f"{made.parameters:,}",
        "weights": made.weights,
        "added from": made.source,
    }
    return Answer({"id": made.name, **dataclasses.asdict(made)}, as_facts(facts))
