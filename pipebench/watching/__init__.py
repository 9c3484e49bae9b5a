"""Watching a training loop from inside it, where nothing but the standard library is needed."""
