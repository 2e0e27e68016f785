"""Who may look: everybody, or who has signed in where that is configured."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dashboard.pages.chrome import problem
from tracer.command_line import LOOPBACK


def published() -> bool:
    """Whether other machines can open the dashboard."""
    return st.get_option("server.address") not in LOOPBACK


def login_configured() -> bool:
    """Whether a secrets file sets up OpenID Connect (section ``auth``, as ``st.login`` needs it)."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def signed_in() -> bool:
    """Whether the page may be shown: to everybody, or to who has signed in where that is configured."""
    if not st.secrets.load_if_toml_exists() and any(Path(file).exists() for file in st.get_option("secrets.files")):
        # To Streamlit it is as if there were none, and everybody would be let in.
        problem("The secrets file cannot be read: nobody is let in.", "Mend or remove ~/.streamlit/secrets.toml")
        return False
    if not login_configured():
        return True
    if st.user.get("is_logged_in", False):
        if st.sidebar.button("Sign out"):
            st.logout()
        return True
    st.title("kws-trace")
    st.markdown("These runs are shown to people who have signed in.")
    if st.button("Sign in", type="primary"):
        try:
            st.login()
        except StreamlitAuthError as error:
            problem("Signing in is not possible.", str(error))
    return False
