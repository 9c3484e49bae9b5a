"""Results by anybody: the report ends with its code and no traceback, and its page stays whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipebench import cli
from pipebench.results import Record, to_line
from tests.comparing import run_records
from tests.reporting import used, with_spec
from tests.test_hostile_results import ODD, changed, places
from tests.test_report_page import Page

Make = Callable[..., Record]


@pytest.fixture
def raws(make_record: Make) -> list[dict[str, Any]]:
    """Two contestants on an emulated step, and one of them again, cut and on more cores; of few batches."""
    used_up: dict[str, Any] = {"resources": used(9, 3) | {"worker_waits": {"futex": 2}}}
    records = run_records(make_record, {"a": 100, "b": 90}, blocks=2, **used_up)
    records += with_spec(run_records(make_record, {"a": 100}, 2, run="r2", **used_up), until="read")
    records += with_spec(run_records(make_record, {"a": 100}, 2, run="r3", **used_up), cpus=[0, 1])
    found = []
    for record in records:
        raw = json.loads(to_line(record))
        raw["spec"]["step"] = "emulate:95" if record.run == "r1" else "null"
        if raw["trace"]:
            for name in ("asked_ns", "got_ns", "sizes", "looks"):
                del raw["trace"][name][6:]
        found.append(raw)
    found.append(json.loads(to_line(make_record(100, "a", run="r4"))))
    return found


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), value=ODD, gone=st.booleans(), redact=st.booleans())
def test_any_change_of_a_results_file(
    raws: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    data: st.DataObject,
    value: Any,
    gone: bool,
    redact: bool,
) -> None:
    at = data.draw(st.integers(0, len(raws) - 1))
    way = data.draw(st.sampled_from(places(raws[at])))
    lines = [changed(raw, way, value, gone=gone) if n == at else raw for n, raw in enumerate(raws)]
    results, out = tmp_path / "r.jsonl", tmp_path / "page.html"
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out.unlink(missing_ok=True)
    code = cli.main(["report", str(results), "--out", str(out), "--quiet", *(["--redact"] if redact else [])])
    error = capsys.readouterr().err
    assert code in (0, 2, 3)
    assert out.exists() == (code != 2)
    assert error.count("\n") == (code == 2)
    if code != 2:
        whole(Page(out.read_text(encoding="utf-8")))


def whole(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href.removeprefix("#") for href in page.values("href") if href != "data:,"} <= set(ids)
    assert "\x1b" not in page.html
    assert "nan" not in {value for tag, told in page.tags if tag == "td" for value in told.values()}
