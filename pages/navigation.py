"""The script that Streamlit runs for every session: page config and navigation; nothing else.

Every page's address differs from its file name, and this script lies in the folder of the pages: were it beside that
folder, Streamlit would take the folder for its old kind of app, and answer a fresh server's first link with "Page
not found" (docs/decisions/0006-entry.md). Home is at the root.
"""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parents[1] / "assets"

st.set_page_config(page_title="Resitu", page_icon=str(ASSETS / "icon.svg"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), size="large")
st.navigation(
    [
        st.Page("home.py", title="Home", icon=":material/home:", default=True),
        st.Page("upload.py", title="Data", url_path="data", icon=":material/database:"),
        st.Page("preparation.py", title="Prepare", url_path="prepare", icon=":material/checklist:"),
        st.Page("training.py", title="Train", url_path="train", icon=":material/model_training:"),
        st.Page("prediction.py", title="Predict", url_path="predict", icon=":material/scatter_plot:"),
        st.Page("niches.py", title="Niches", url_path="niche", icon=":material/workspaces:"),
        st.Page("enrichment.py", title="Pathways", url_path="pathways", icon=":material/account_tree:"),
        st.Page("glossary.py", title="Words", url_path="words", icon=":material/dictionary:"),
    ],
    position="top",
).run()
