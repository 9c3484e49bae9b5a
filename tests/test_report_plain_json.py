"""JSON that every reader takes."""

import json

from pipebench.report.plain_json import dumps


def refuse(text: str) -> float:
    raise AssertionError(text)


def test_numbers_that_json_lacks_are_texts() -> None:
    text = dumps({"a": float("nan"), "b": [float("inf"), 1.5], "c": (1, None)})
    assert json.loads(text, parse_constant=refuse) == {"a": "nan", "b": ["inf", 1.5], "c": [1, None]}


def test_only_ascii_and_no_control_codes() -> None:
    text = dumps({"é\x1b\x9b": "\udcff\x07"}, indent=None)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == {"é\x1b\x9b": "\udcff\x07"}
