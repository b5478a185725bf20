"""Checks on what a user typed or chose."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from backend import settings
from backend.errors import DataError, NotFound, UserError

MAX_NAME = 80


class Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def check_name(text: str, taken: Iterable[str] = ()) -> str:
    """The name without outer spaces. Refuses an empty or long one, control characters, and one that is taken."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name or len(name) > MAX_NAME:
        raise UserError("A name has 1 to 80 characters.", f"This one has {len(name)}.", "Choose another name.")
    if any(unicodedata.category(letter)[0] == "C" for letter in name):
        raise UserError("A name holds no control characters.", "They would garble lists and logs.", "Type it again.")
    if name in set(taken):
        raise UserError(f"The name {name!r} is taken.", "Two of one name could not be told apart.", "Choose another.")
    return name


def check_path(path: Path, trusted: bool) -> Path:
    """The path with every link resolved. A person at the shell (`trusted`) may read any file; a page may read what
    was uploaded and what lies in the allowed folders."""
    try:
        real = Path(path).expanduser().resolve(strict=True)
        str(real).encode()  # the name becomes part of a job's
    except UnicodeEncodeError:
        raise DataError(f"The path {str(path)!r} is no text in UTF-8.", mend="Rename the file or folder.") from None
    except (OSError, ValueError, RuntimeError):
        raise DataError(f"There is no file {str(path)!r}.", mend="Check the path.") from None
    if not trusted and not any(real.is_relative_to(folder.resolve()) for folder in readable_folders()):
        allowed = ", ".join(str(folder) for folder in settings.load().folders)
        raise DataError(
            f"{str(path)!r} may not be read from the dashboard.",
            "It lies outside the folders that this server opens.",
            f"Upload it, or put it into {allowed} (RESITU_FOLDERS names more).",
        )
    return real


def readable_folders() -> tuple[Path, ...]:
    current = settings.load()
    return (*current.folders, current.home / "uploads")


def one_of(records: Sequence[N], text: str, noun: str, where: str) -> N:
    """The record with this id, or the only one with this name."""
    by_id = [record for record in records if record.id == text]
    found = by_id or [record for record in records if record.name == text]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(record.id for record in found)
        raise NotFound(f"{len(found)} {noun}s are called {text!r}.", mend=f"Say which by its id: {ids}.")
    raise NotFound(f"There is no {noun} {text!r} here.", mend=f"See `{where}`.")
