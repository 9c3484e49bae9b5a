"""Loaders of which it is known what makes them narrow; `plants.py` lists them with their verdicts."""
