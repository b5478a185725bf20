"""The command line: the same `backend.api` as the pages, for people and for scripts.

Exit codes: 0; 1, a `UserError`, printed as what, why, mend; 2, wrong usage. With `--json`, anywhere on the line, a
call prints exactly one JSON value on standard output, and errors too: `{"error": {...}}`. What is said while one
waits goes to standard error.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer._click.exceptions import ClickException  # typer carries its own click and does not export this name

from backend.cli import analyses, backbones, datasets, evaluate, match, runs, studies, types
from backend.cli.answer import Answer, defect, print_answer, print_error
from backend.errors import UserError

JSON_FLAG = "--json"

app = typer.Typer(
    name="python -m backend",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Put dissociated cells back in situ.",
)
app.add_typer(datasets.app, name="datasets")
app.add_typer(studies.app, name="studies")
app.add_typer(runs.app, name="runs")
app.add_typer(types.app, name="types")
app.add_typer(backbones.app, name="backbones")
runs.register(app)
analyses.register(app)
match.register(app)
evaluate.register(app)


@app.callback()
def root(
    json: Annotated[bool, typer.Option(JSON_FLAG, help="Print one JSON value; may stand anywhere.")] = False,
) -> None:
    """Put dissociated cells back in situ: data in, a study, a trained model, niches, tables out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = JSON_FLAG in given
    help_text = io.StringIO()
    try:
        with contextlib.redirect_stdout(help_text if as_json else sys.stdout):
            made = typer.main.get_command(app).main(
                args=[part for part in given if part != JSON_FLAG], prog_name="python -m backend", standalone_mode=False
            )
    except UserError as error:
        return print_error(error.to_dict(), as_json, exit_code=1)
    except ClickException as error:
        mend = f"Add --help to see what {error.ctx.command_path if error.ctx else 'the command'} takes."  # type: ignore[attr-defined]
        usage = {"kind": "Usage", "what": error.format_message() or "A command is missing.", "why": "", "mend": mend}
        return print_error(usage, as_json, exit_code=2)
    except Exception as error:
        return print_error(defect(error), as_json, exit_code=1)
    if isinstance(made, Answer):
        return print_answer(made, as_json)
    if not as_json:
        return made if isinstance(made, int) else 0
    return print_answer(Answer({"help": help_text.getvalue()}, ""), as_json)
