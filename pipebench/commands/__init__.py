"""The commands of the harness itself, found through the same entry points as anyone else's."""
