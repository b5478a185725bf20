"""Names of cell types: which may be given, which mean the same, and how they are written where a formula could be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from backend.datasets.naming.found import UNSURE

MOST_LETTERS = 80
MOST_TYPES = 200  # a column of more names no types, and no figure could show them
_FORMULA = ("=", "+", "-", "@")  # how a spreadsheet knows a formula
_WORDS = {"tumour": "tumor"}
_MEANT_PLURAL = re.compile(r"(?<=[a-z]{2})(?<!s)s$")  # "cells", "t", but not "is" and not "mass"


def clean(name: object) -> str:
    """Without outer spaces, letters composed."""
    return unicodedata.normalize("NFC", str(name)).strip()


def fault(name: str) -> str | None:
    """What is wrong with the name of a type, as a sentence; None for a good one."""
    if not name:
        return "A type without a name: a name has 1 to 80 characters."
    if len(name) > MOST_LETTERS:
        return f"{name[:30]!r}… has {len(name)} characters: a name has 1 to {MOST_LETTERS}."
    if any(unicodedata.category(letter)[0] == "C" for letter in name):
        return f"{name!r} holds control characters, which would garble lists."
    return None


def guarded(name: str) -> str:
    """As a spreadsheet may open it: what looks like a formula begins with an apostrophe."""
    return f"'{name}" if name.startswith(_FORMULA) else name


def unguarded(name: str) -> str:
    """`guarded`, taken back."""
    return name[1:] if name.startswith("'") and name[1:].startswith(_FORMULA) else name


def alike(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Those of `names` that are written differently from the one `known` name that they seem to mean ("T cells", "T
    cell") -> that name. Upper and lower case, spaces, hyphens and plurals do not count."""
    meant: dict[str, set[str]] = {}
    for name in known:
        meant.setdefault(_core(name), set()).add(name)
    found = {name: meant.get(_core(name), set()) for name in names}
    return {
        name: next(iter(others))
        for name, others in sorted(found.items())
        if len(others) == 1 and name not in others and name != UNSURE and _core(name)
    }


def _core(name: str) -> str:
    words = re.split(r"[^\w+]+|_", clean(name).casefold())
    single = (_MEANT_PLURAL.sub("", word) for word in words)
    return "".join(_WORDS.get(word, word) for word in single)
