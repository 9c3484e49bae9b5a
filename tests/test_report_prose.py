"""Folding of sentences."""

from pipebench.report.prose import folded


def test_lines_fold_at_words_and_keep_their_indent() -> None:
    assert list(folded(["  a bb ccc", "", "short"], 6)) == ["  a bb", "  ccc", "", "short"]
    assert list(folded(["x" * 20], 6)) == ["x" * 20]


def test_piped_lines_stay_whole() -> None:
    assert list(folded(["a " * 100], None)) == ["a " * 100]
