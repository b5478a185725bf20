"""The dashboard's entry: `streamlit run app.py`. What a session sees begins in `pages/navigation.py`.

An ASGI app, so that routes of our own (sign-in, uploads that stream to disk) have their place here.
"""

import streamlit as st

app = st.App("pages/navigation.py")
