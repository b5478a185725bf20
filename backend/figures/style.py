"""The look that all figures share: two templates, titles, captions, text alternatives.

Text from data goes through `label`, since Plotly renders some HTML (links among it) in whatever it is given.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from backend.figures.palette import TYPE_COLOURS, Theme

FONT = "Open Sans, DejaVu Sans, Verdana, Arial, sans-serif"
INK: dict[Theme, str] = {"light": "#1F2328", "dark": "#E6E8EB"}
FAINT: dict[Theme, str] = {"light": "#5B636D", "dark": "#A3ABB5"}
GROUND: dict[Theme, str] = {"light": "#FFFFFF", "dark": "#0E1117"}
RULE: dict[Theme, str] = {"light": "#E4E7EB", "dark": "#2A3038"}
ACCENT: dict[Theme, str] = {"light": "#B4540A", "dark": "#FFB066"}  # whatever is predicted, and what one looks for

_LINE_LETTERS = 105
_LINE_PX = 15
_LEFT_PX = 20  # where titles and captions begin
_LETTER_PX = 7.4
_TITLE_LETTERS = 36  # of a line that a telephone, 390 px wide, shows whole
_TITLE_PX = 21


def label(text: object) -> str:
    """Text from data, safe to show: its markup is shown as letters instead of being rendered."""
    # Plotly would typeset text between two dollar signs.
    return html.escape(str(text), quote=False).replace("$", "&#36;")


def shorten(text: object, letters: int = 46) -> str:
    """`label` of a long name cut in its middle, which keeps both ends (gene sets differ in either)."""
    plain = str(text)
    if len(plain) > letters:
        plain = f"{plain[: letters - letters // 3 - 1]}…{plain[-(letters // 3) :]}"
    return label(plain)


def _template(theme: Theme) -> go.layout.Template:
    axis: dict[str, Any] = {
        "gridcolor": RULE[theme], "zeroline": False, "linecolor": FAINT[theme], "showline": True, "ticks": "outside",
        "ticklen": 4, "tickcolor": FAINT[theme], "automargin": True, "title": {"standoff": 8, "font": {"size": 13}},
    }  # fmt: skip
    bar = {"outlinewidth": 0, "thickness": 12, "len": 0.7, "ticks": "outside", "ticklen": 3, "title": {"side": "top"}}
    subtitle = {"font": {"size": 13, "color": FAINT[theme]}}
    layout: dict[str, Any] = {
        "font": {"family": FONT, "size": 13, "color": INK[theme]},
        "title": {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                  "pad": {"l": _LEFT_PX}, "font": {"size": 16}, "subtitle": subtitle},
        "paper_bgcolor": GROUND[theme], "plot_bgcolor": GROUND[theme],
        "colorway": list(TYPE_COLOURS), "coloraxis": {"colorbar": bar}, "xaxis": axis, "yaxis": axis,
        # By default a legend below a flat map scrolls.
        "legend": {"itemsizing": "constant", "font": {"size": 12}, "title": {"font": {"size": 12}}, "maxheight": 600},
        "margin": {"l": 64, "r": 24, "t": 68, "b": 56}, "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "annotationdefaults": {"font": {"color": INK[theme]}},
    }  # fmt: skip
    return go.layout.Template(layout=layout)


TEMPLATES: dict[Theme, go.layout.Template] = {"light": _template("light"), "dark": _template("dark")}


def dress(figure: go.Figure, title: str, theme: Theme, *, alt: str, height: int = 480) -> go.Figure:
    """Give a figure its title (plain text), its template and its text alternative.

    A figure does not know how wide it is drawn: a long title is wrapped for a telephone, and has more room on top.
    """
    lines = textwrap.wrap(title, _TITLE_LETTERS, break_on_hyphens=False) or [""]
    more = _TITLE_PX * (len(lines) - 1)
    top = TEMPLATES[theme].layout.margin.t if figure.layout.margin.t is None else figure.layout.margin.t
    return figure.update_layout(
        template=TEMPLATES[theme], title_text="<br>".join(map(label, lines)), height=height + more,
        title_pad_t=25 if more else 14,  # plotly lifts a title of several lines by 11 px
        margin_t=top + more, meta={"alt": alt, "theme": theme},
    )  # fmt: skip


def caption(figure: go.Figure, text: str) -> go.Figure:
    """Add the line of provenance (n, method, seed, measured on) under a figure, which grows by its height.

    It is part of the picture, so that a downloaded figure still says where it comes from. Call it last, once.
    """
    theme: Theme = figure.layout.meta["theme"]
    layout = TEMPLATES[theme].layout
    lines = textwrap.wrap(text, _LINE_LETTERS) or [""]
    below = layout.margin.b if figure.layout.margin.b is None else figure.layout.margin.b
    left = layout.margin.l if figure.layout.margin.l is None else figure.layout.margin.l
    room = _LINE_PX * len(lines) + 14
    figure.add_annotation(
        name="caption", text="<br>".join(label(line) for line in lines), showarrow=False, align="left",
        xref="paper", x=0, xanchor="left", xshift=_LEFT_PX - left, yref="paper", y=0, yanchor="top", yshift=-below,
        font={"size": 11, "color": FAINT[theme]},
    )  # fmt: skip
    return figure.update_layout(margin_b=below + room, height=(figure.layout.height or 480) + room)


def make_room(figure: go.Figure, names: Iterable[object]) -> None:
    """A left margin for names along the y axis: fixed, so that a caption knows where the figure begins."""
    longest = max((len(str(name)) for name in names), default=0)
    figure.update_yaxes(automargin=False)
    figure.update_layout(margin_l=_LEFT_PX + 24 + int(_LETTER_PX * longest))


def describe(figure: go.Figure) -> str:
    """The text alternative: what a reader who cannot see the figure is told. Plain text, not escaped."""
    return str(figure.layout.meta["alt"])


def number(value: float) -> str:
    """A number with honest digits, for titles and text alternatives: 0.42, 12.3, 1,234."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 10 else f"{value:.2g}"
