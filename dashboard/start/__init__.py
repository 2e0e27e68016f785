"""
What Streamlit runs, in a folder of its own.

Beside a folder named ``pages`` Streamlit takes each file of it for a page, and runs that instead of the app: without
its frame, and without asking who is there.
"""
