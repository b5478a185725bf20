"""The dashboard's entry: page config and navigation; nothing else.

Every page's address differs from its file name: on a fresh server Streamlit would otherwise run the file alone. Home is
at the root.
"""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="Resitu", page_icon=str(ASSETS / "icon.svg"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), size="large")
st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/upload.py", title="Data", url_path="data", icon=":material/database:"),
        st.Page("pages/training.py", title="Train", url_path="train", icon=":material/model_training:"),
        st.Page("pages/prediction.py", title="Predict", url_path="predict", icon=":material/scatter_plot:"),
        st.Page("pages/niches.py", title="Niches", url_path="niche", icon=":material/workspaces:"),
        st.Page("pages/enrichment.py", title="Pathways", url_path="pathways", icon=":material/account_tree:"),
    ],
    position="top",
).run()
