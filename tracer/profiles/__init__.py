"""What profilers recorded, read into one set of tables: one reader a format."""
