"""Reports as one self-contained HTML file: no script, no address, nothing that is fetched."""
