"""A submission on disk: the tree written, the tree checked, the official checker asked."""
