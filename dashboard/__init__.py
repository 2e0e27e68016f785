"""Shows a run: Streamlit in the page files only. May import ``tracer``."""
