from __future__ import annotations

from backend.cli.manual import manual
from tests.architecture.source import PROJECT


def test_the_manual_is_what_the_commands_say() -> None:
    stands = (PROJECT / "docs" / "cli.md").read_text()
    assert stands == manual(), "run: python -m backend.cli.manual > docs/cli.md"


def test_every_command_of_the_issue_is_there() -> None:
    text = manual()
    for command in (
        *(f"datasets {verb}" for verb in ("add", "list", "show", "check", "archive", "delete")),
        *(f"studies {verb}" for verb in ("create", "list", "show")),
        *(f"runs {verb}" for verb in ("start", "list", "show", "cancel", "resume")),
        *("predict", "export", "demo", "niches", "enrich"),
    ):
        assert f"## `python -m backend {command}`" in text
