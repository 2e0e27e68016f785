"""Trains the shipped keyword-spotting model on speech synthesised with espeak-ng; only here is it made."""
