"""One module a page; Streamlit lives here and in ``app`` alone."""
