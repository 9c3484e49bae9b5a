"""How the site is built (`make docs`): by Sphinx with MyST, which are well kept and read plain Markdown."""

from pipebench import __doc__ as summary

project = "pipebench"
author = "the pipebench authors"
copyright = author  # noqa: A001 - Sphinx's name
html_title = "pipebench"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True  # a reference that leads nowhere is an error
html_theme = "furo"
html_show_sphinx = False
html_meta = {"description": summary}
smartquotes = False  # two dashes stay two dashes
highlight_language = "none"  # most blocks are a terminal's
myst_heading_anchors = 3
