"""What happened: record, store, report. Imports no TensorFlow, no serial line, no Streamlit."""
