"""Runs of other machines brought into a folder here, whole and verified or not at all."""
