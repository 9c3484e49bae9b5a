"""The figures that a report draws, as data: what is drawn is decided here, how in `html/` and `png.py`."""
