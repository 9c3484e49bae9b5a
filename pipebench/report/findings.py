"""Findings of an audit on a terminal: signs and words, in colour where there is one."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from pipebench.errors import one_line
from pipebench.findings import Finding

_SIGNS = {"ok": "+", "note": "!", "wrong": "x"}
_STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


def print_findings(findings: Sequence[Finding], console: Console | None = None) -> None:
    """One line each, and how many of each kind there were."""
    console = console or Console()
    for finding in findings:
        line = Text(f"{_SIGNS[finding.state]} {finding.topic:<13}", style=_STYLES[finding.state])
        line.append(one_line(finding.text), style="not bold default")
        console.print(line, soft_wrap=not console.is_terminal)
    console.print(Text(_total(findings), style="bold"))


def _total(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.state for finding in findings)
    wrong = f"{counts['wrong']} wrong" if counts["wrong"] else "nothing is wrong"
    return f"{wrong}, {counts['note']} to mind, {counts['ok']} in order."
