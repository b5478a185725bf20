"""The flags of `evaluate` that belong to one track, and those about the tissue's file."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from backend.records import Unit

OF_GENES = ("folds", "fold", "split", "truth")
OF_CONTEXT = ("sigma", "panel", "nulls", "shift")

Track = Annotated[Literal["unmeasured-gene", "unseen-region", "context"], typer.Option(help="What is hidden.")]

Folds = Annotated[int, typer.Option(min=2, help="Genes: how many parts the shared ones are cut into.")]
Fold = Annotated[list[int] | None, typer.Option(min=0, help="Genes: only this one, from 0; may be repeated.")]
Split = Annotated[Literal["blocks", "casper-seed42"], typer.Option(help="How unseen-region holds cells out.")]
Truth = Annotated[Literal["T1", "T2", "T3"], typer.Option(help="Genes: T1 input depth; T2 as SpaGene; T3 as CASPER.")]

Sigma = Annotated[
    list[float] | None,
    typer.Option(help="Context: radius in µm, 50 if not given; more may be named, as a sweep.", min=0.1, max=1000),
]
Panel = Annotated[int, typer.Option(min=1, help="Context: of how many shared genes, drawn by the seed.")]
Nulls = Annotated[bool, typer.Option("--nulls", help="Context: train on shuffled tissues as well.")]
Shift = Annotated[bool, typer.Option("--shift", help="Context: ask about another platform's cells too (simulated).")]

TissueUnit = Annotated[Unit | None, typer.Option(help="Unit of the tissue's coordinates.")]
Pixel = Annotated[float | None, typer.Option("--um-per-px", help="Size of a pixel in micrometres.", min=1e-6, max=1e6)]
Keep = Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE: only these tissue cells.")]
Section = Annotated[str | None, typer.Option(help="The column that names sections.")]
Counts = Annotated[str | None, typer.Option(help="X, raw, or layers/NAME of the tissue.")]
