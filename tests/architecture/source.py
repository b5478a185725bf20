"""The project's own Python files, parsed once: what the architecture tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    path: Path  # relative to the project
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def n_lines(self) -> int:
        return len(self.text.splitlines())

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of every import, inside functions and type-checking blocks too. `from a import b`
        gives `a.b`, so that a module imported by its parent's name is seen."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{self._origin(node)}.{alias.name}") for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.path.with_suffix("").parts[: -node.level]
        return ".".join([*package, *([node.module] if node.module else [])])


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """All Python files under the named folders (or files), sorted."""
    paths: list[Path] = []
    for folder in folders:
        top = PROJECT / folder
        paths += [top] if top.is_file() else sorted(top.rglob("*.py"))
    return tuple(
        Source(path.relative_to(PROJECT), text, ast.parse(text))
        for path in paths
        for text in [path.read_text(encoding="utf-8")]
    )
