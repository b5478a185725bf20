"""Dictionaries of names and numbers out of a pickle, which is read letter by letter and never run.

A pickle is a small program, and loading it runs it. Here its instructions are only looked at: dictionaries, text and
numbers are taken, numpy's numbers are decoded from their bytes, and whatever else it asks for is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from backend.errors import DataError

MOST_BYTES = 64 * 2**20
_LFS = b"version https://git-lfs"
_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
_NUMBERS = {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"}
_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "SHORT_BINUNICODE", "BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "SHORT_BINBYTES", "BINBYTES"
}  # fmt: skip
_IGNORED = {"PROTO", "FRAME"}


@dataclass(frozen=True)
class _Name:
    """Something of numpy that the pickle names; it is never looked up."""

    name: str


@dataclass(frozen=True)
class _NumberType:
    code: str  # such as "f8"


class _Refused(Exception):
    """In words: what the pickle asks for."""


def read_dictionary(path: Path) -> dict[str, Any]:
    """Text -> text or number. Raises DataError; nothing of the file is run."""
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path.name} is too large for a dictionary of genes.", mend="Take the published file.")
    data = path.read_bytes()
    if data.startswith(_LFS):
        raise DataError(
            f"{path.name} is a placeholder, not the file itself.",
            "Git has fetched the pointers of its large files only.",
            "Run `git lfs pull` in that folder, or download the file from the repository's page.",
        )
    try:
        found: Any = _Reader().read(data)
    except _Refused as refused:
        raise DataError(
            f"{path.name} holds more than names and numbers, and was not opened.",
            f"It asks for {refused}, which no dictionary of genes needs.",
            "Take the published file from a source that you trust.",
        ) from refused
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise DataError(
            f"{path.name} cannot be read.", "It is cut short, or no pickle.", "Download it again."
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(key, str) and isinstance(value, str | int | float) for key, value in found.items()
    ):
        raise DataError(f"{path.name} is no dictionary of genes.", "It should lead from names to ids or numbers.")
    return found


@dataclass
class _Reader:
    """The pickle machine's stack and memo, with the instructions that plain dictionaries use."""

    stack: list[Any] = field(default_factory=list)
    memo: list[Any] = field(default_factory=list)

    def read(self, data: bytes) -> Any:
        steps: dict[str, Callable[[], None]] = {
            "EMPTY_DICT": lambda: self.stack.append({}),
            "MARK": lambda: self.stack.append(_MARK),
            "MEMOIZE": lambda: self.memo.append(self.stack[-1]),
            "SETITEM": lambda: self._fill([self.stack.pop(-2), self.stack.pop()]),
            "SETITEMS": lambda: self._fill(self._from_mark()),
            "TUPLE": lambda: self.stack.append(tuple(self._from_mark())),
            "TUPLE2": lambda: self._tuple(2),
            "TUPLE3": lambda: self._tuple(3),
            "STACK_GLOBAL": lambda: self._name(self.stack.pop(-2), self.stack.pop()),
            "REDUCE": lambda: self._number(self.stack.pop(-2), self.stack.pop()),
            "BUILD": lambda: self._settle(self.stack.pop()),
        }
        for code, argument, _ in pickletools.genops(data):
            if code.name in _VALUES:
                self.stack.append(argument)
            elif code.name in _CONSTANTS:
                self.stack.append(_CONSTANTS[code.name])
            elif code.name in ("BINGET", "LONG_BINGET"):
                self.stack.append(self.memo[argument])  # type: ignore[index]
            elif code.name in steps:
                steps[code.name]()
            elif code.name == "STOP":
                return self.stack.pop()
            elif code.name not in _IGNORED:
                _refuse(f"the instruction {code.name}{f' ({argument})' if argument is not None else ''}")
        raise ValueError("no end")  # genops has said so already

    def _from_mark(self) -> list[Any]:
        at = max(place for place, value in enumerate(self.stack) if value is _MARK)
        taken = self.stack[at + 1 :]
        del self.stack[at:]
        return taken

    def _tuple(self, size: int) -> None:
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def _fill(self, items: list[Any]) -> None:
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _name(self, module: str, name: str) -> None:
        if module not in _MODULES or name not in ("dtype", "scalar"):
            _refuse(f"{module}.{name}")
        self.stack.append(_Name(name))

    def _number(self, made_by: Any, arguments: tuple[Any, ...]) -> None:
        """numpy.dtype("f8", False, True), or scalar(dtype, bytes)."""
        if made_by == _Name("dtype") and arguments[0] in _NUMBERS:
            self.stack.append(_NumberType(arguments[0]))
        elif made_by == _Name("scalar") and isinstance(arguments[0], _NumberType):
            self.stack.append(np.frombuffer(arguments[1], dtype="<" + arguments[0].code, count=1)[0].item())
        else:
            _refuse("a call of something")

    def _settle(self, state: Any) -> None:
        """A number type's state: (3, byte order, ...). Only little-endian ones ("<", or "|" for single bytes)."""
        if not isinstance(self.stack[-1], _NumberType) or state[1] not in ("<", "|"):
            _refuse("an object's inner state")


def _refuse(what: str) -> NoReturn:
    raise _Refused(what)
