"""The methods that can be trained: cards at once, implementations only when a job asks (no torch here)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from backend.errors import NotFound, UserError
from backend.methods.casper import config as casper
from backend.methods.contract import Config, Method, MethodCard
from backend.methods.environs import config as environs
from backend.methods.quorum import config as quorum
from backend.methods.reference.genes import cards as genes
from backend.methods.scxm import config as scxm
from backend.methods.scxm import verdict as scxm_verdict
from backend.methods.scxm.verdict import Reading
from backend.methods.spagene import config as spagene

CARDS: Mapping[str, MethodCard] = MappingProxyType(
    {card.name: card for card in (scxm.card, environs.card, quorum.card, spagene.card, casper.card, *genes.CARDS)}
)
_VERDICTS = {"scxm": scxm_verdict.verdict}
_READINGS = {"scxm": scxm_verdict.readings}
_IMPLEMENTATIONS = {
    "scxm": "backend.methods.scxm.method:METHOD",
    "environs": "backend.methods.environs.method:METHOD",
    "quorum": "backend.methods.quorum.method:METHOD",
    "spagene": "backend.methods.spagene.method:METHOD",
    "casper": "backend.methods.casper.method:METHOD",
} | genes.PLACES
_SIGNS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "multiple_of": "a multiple of"}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "empty"}


def cards() -> dict[str, MethodCard]:
    return dict(CARDS)


def card(name: str) -> MethodCard:
    """Raises `NotFound`."""
    if name not in CARDS:
        raise NotFound(f"There is no method {name!r}.", mend=f"Choose one of {', '.join(CARDS)}.")
    return CARDS[name]


def method(name: str) -> Method:
    """The implementation. Imports torch."""
    module, _, attribute = _IMPLEMENTATIONS[card(name).name].partition(":")
    found: Method = getattr(import_module(module), attribute)
    return found


def verdict(name: str, metrics: Mapping[str, float]) -> tuple[str, str]:
    """A training's health from the last metrics that it reported: "healthy" or what is wrong, and a sentence."""
    judge = _VERDICTS.get(card(name).name)
    return judge(metrics) if judge else ("healthy", "")  # a comparator has no training that could go wrong


def judges(name: str) -> bool:
    """Whether a method's metrics tell how its training does."""
    return card(name).name in _VERDICTS


def readings(name: str, metrics: Mapping[str, float]) -> tuple[Reading, ...]:
    """The same metrics, each in words."""
    tell = _READINGS.get(card(name).name)
    return tell(metrics) if tell else ()


def config_from(name: str, values: Mapping[str, Any]) -> Config:
    """A method's settings, defaults filled in. Raises `UserError` that lists every bad one, with its bounds."""
    kind = card(name).config
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        faults = [_fault(kind, str(part["loc"][0]), part["input"]) for part in error.errors()]
        raise UserError(
            f"{len(faults)} setting{'s' if len(faults) > 1 else ''} of {card(name).title} cannot be used.",
            " ".join(faults),
            f"Its settings are {', '.join(kind.model_fields)}.",
        ) from None


def _fault(kind: type[Config], setting: str, given: Any) -> str:
    if setting not in kind.model_fields:
        return f"There is no setting {setting!r}."
    return f"{setting} is {given!r}; {_bounds(kind.model_fields[setting])}."


def _bounds(field: FieldInfo) -> str:
    kinds = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else (field.annotation,)
    limits = [
        f"{words} {getattr(limit, sign):g}"
        for limit in field.metadata
        for sign, words in _SIGNS.items()
        if hasattr(limit, sign)
    ]
    return "it must be " + " or ".join(map(_kind_words, kinds)) + (", " + " and ".join(limits) if limits else "")


def _kind_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    return _KINDS.get(kind, str(kind))
