"""A method's config as widgets: title, help, bounds and group come from the pydantic fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import streamlit as st

from pages.components.words import plain


def config_form(card: Any, preset: str, key: str) -> dict[str, Any]:
    """Widgets for every field of a `MethodCard`'s config, filled from the preset; what the user set, by field."""
    start = card.config(**card.presets[preset])
    properties = card.config.model_json_schema()["properties"]
    order = list(dict.fromkeys(schema["group"] for schema in properties.values()))
    grouped = sorted(properties.items(), key=lambda item: order.index(item[1]["group"]))
    values: dict[str, Any] = {}
    for group, fields in groupby(grouped, key=lambda item: item[1]["group"]):
        st.markdown(f"**{group}**")
        with st.grid(3, min_column_width=220):
            for name, schema in fields:
                values[name] = _widget(schema, getattr(start, name), f"{key}.{preset}.{name}")
    return values


def _step(value: float | None) -> float:
    """One in the first digit: a hundredth would be far too much for a learning rate."""
    return 10.0 ** math.floor(math.log10(value)) if value else 1.0


def _widget(schema: Mapping[str, Any], value: Any, key: str) -> Any:
    label, explained = plain(schema["title"]), plain(schema.get("description", ""))
    # An optional field is "anyOf: the type with its bounds, null": an empty box means None.
    bounds = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), schema)
    if "enum" in bounds:
        return st.selectbox(label, bounds["enum"], bounds["enum"].index(value), help=explained, key=key)
    if bounds["type"] == "boolean":
        return st.toggle(label, value, help=explained, key=key)
    if bounds["type"] == "string":
        return st.text_input(label, value, help=explained, key=key)
    whole = bounds["type"] == "integer"
    least, most = bounds.get("minimum", bounds.get("exclusiveMinimum")), bounds.get("maximum")
    given = {"min_value": least, "max_value": most, "value": value}
    # Streamlit wants all numbers of one kind, and JSON schema writes the bounds of a float as it likes.
    numbers: dict[str, Any] = {name: x if x is None or whole else float(x) for name, x in given.items()}
    return st.number_input(
        label,
        **numbers,
        step=1 if whole else _step(value),
        format=None if whole else "%.4g",
        placeholder="chosen for your data" if value is None else None,
        help=explained,
        key=key,
    )
