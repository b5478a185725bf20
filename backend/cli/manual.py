"""`docs/cli.md`, written from the commands themselves: `python -m backend.cli.manual > docs/cli.md`."""

from __future__ import annotations

import typer
from typer.cli import get_docs_for_click

from backend.cli import app

HEAD = """<!-- Written by `python -m backend.cli.manual > docs/cli.md`; a test compares the two. -->

The command line does what the pages do. `RESITU_HOME` is the folder in which everything is kept. `--json`, anywhere on
the line, makes a call print one JSON object (lists: an array); what was made has an `id`. Exit codes: 0; 1, something
you can mend, printed as what, why and how (with `--json` as `{"error": {...}}`); 2, wrong usage. Data sets and studies
may be named by their id or by a name that only one has. `--wait` works without workers too: the work is then done by
the call itself.

The main road:

```sh
python -m backend datasets add tissue.h5ad --role tissue --unit mm --name tissue
python -m backend datasets add reference.h5ad --role reference --name reference
python -m backend studies create --name lung --tissue tissue --reference reference
python -m backend runs start --study lung --method scxm --wait
python -m backend predict RUN --dataset tissue --wait
python -m backend niches RUN --dataset reference --type "B cell" --gene CXCR4 --wait
python -m backend enrich NICHE_JOB --sets my.gmt --wait
python -m backend export RUN contexts.h5ad
```
"""


def manual() -> str:
    """All commands with their arguments, in Markdown."""
    command = typer.main.get_command(app)
    name = "python -m backend"
    docs = get_docs_for_click(obj=command, ctx=typer.Context(command), name=name)
    title, rest = docs.split("\n", 1)
    return f"# The command line\n\n{HEAD}\n## {title.strip('# ')}\n{rest.rstrip()}\n"


if __name__ == "__main__":
    print(manual(), end="")
