from __future__ import annotations

import html
import io
import shutil

import pandas as pd
import plotly.graph_objects as go
import pytest

from backend.errors import UserError
from backend.figures import export
from backend.figures.style import dress


def figure() -> go.Figure:
    return dress(go.Figure(go.Scatter(x=[0, 1], y=[0, 1])), "A <b>title</b>", "light", alt="A line.")


def test_text_that_a_spreadsheet_would_run_is_defused_and_numbers_stay() -> None:
    table = pd.DataFrame({"gene": ["=HYPERLINK(1)", "+A", "-B", "@C", "\tD", "CD3E"], "z": [-1.5, 2, 3, 4, 5, 6]})
    table["type"] = pd.Categorical(["-x"] * 6)
    back = pd.read_csv(io.BytesIO(export.csv_bytes(table)))
    assert back["gene"].tolist() == ["'=HYPERLINK(1)", "'+A", "'-B", "'@C", "'\tD", "CD3E"]
    assert back["z"].tolist() == [-1.5, 2, 3, 4, 5, 6]
    assert back["type"].tolist() == ["'-x"] * 6
    assert table["gene"].iloc[0] == "=HYPERLINK(1)"


def test_a_page_opens_without_a_network() -> None:
    page = export.html_bytes(figure()).decode()
    assert "Plotly.newPlot" in page
    assert "cdn.plot.ly" not in page.split("Plotly.newPlot")[-1]
    assert '<script src="http' not in page


def test_without_a_browser_a_picture_is_refused_with_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="cannot be drawn") as refused:
        export.image_bytes(figure(), "png")
    assert "HTML" in refused.value.mend


@pytest.mark.skipif(shutil.which("chromium") is None, reason="pictures need a Chromium, and none is installed here")
def test_a_picture_is_drawn_with_its_title_as_letters() -> None:
    svg = export.image_bytes(figure(), "svg", width_px=400).decode()
    assert svg.startswith("<svg")
    assert "A <b>title</b>" in html.unescape(svg)
    assert "<b>" not in svg
