"""A dataset's payloads in memory, and payloads that are nearly free to decode."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.contract import Stage
from pipebench.dataset import Dataset, open_dataset
from pipebench.diagnosis import staging
from pipebench.diagnosis.cheap import cheap_decoding
from pipebench.diagnosis.phases import Bench, Phase
from pipebench.diagnosis.session import Session
from pipebench.diagnosis.staging import stage
from pipebench.measure import SystemClock
from pipebench.results import Record, TrialSpec
from tests.diagnosing import Pipeline


@pytest.mark.parametrize("name", ["tiny_folder", "tiny_wds"])
def test_the_copy_holds_the_same_samples(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset: Dataset = request.getfixturevalue(name)
    monkeypatch.setattr(staging, "sizes", lambda urls: [Path(url).stat().st_size for url in urls])
    url = stage(dataset, tmp_path, lambda: True)
    assert url is not None
    copy = open_dataset(url)
    assert copy.root == str(tmp_path)
    assert (copy.content_id, copy.samples) == (dataset.content_id, dataset.samples)
    assert [copy.payload(n) for n in range(96)] == [dataset.payload(n) for n in range(96)]


def test_there_is_no_copy_without_time_or_room(
    tiny_folder: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stage(tiny_folder, tmp_path, lambda: False) is None
    monkeypatch.setattr(staging, "room", lambda place: 500_000)
    assert stage(tiny_folder, tmp_path, lambda: True) is None


def test_a_name_that_leads_out_is_not_copied(
    tiny_folder: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "copy").mkdir()
    monkeypatch.setattr(staging, "_files", lambda dataset: [("../evil.jpg", 10)])
    assert stage(tiny_folder, tmp_path / "copy", lambda: True) is None
    assert not (tmp_path / "evil.jpg").exists()


def test_time_is_asked_for_between_pieces_of_a_file(
    tiny_wds: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "sizes", lambda urls: [Path(url).stat().st_size for url in urls])
    monkeypatch.setattr(staging, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(staging, "TOGETHER", 3)
    left = iter([True, True, False])
    assert stage(tiny_wds, tmp_path, lambda: next(left)) is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 60_000
    (tmp_path / "whole").mkdir()
    url = stage(tiny_wds, tmp_path / "whole", lambda: True)
    assert url is not None
    copy = open_dataset(url)
    assert [copy.payload(n) for n in range(96)] == [tiny_wds.payload(n) for n in range(96)]


def test_cheap_payloads_need_room(
    tiny_folder: Dataset, spec: TrialSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(loader="mine", out=tmp_path / "r", execute=never, clock=SystemClock(), max_seconds=1000)
    session.begin()
    bench, evidence = bench_of(tiny_folder, spec, tmp_path), Pipeline(decode=2).evidence()
    monkeypatch.setattr("pipebench.diagnosis.cheap.room", lambda place: 10_000)
    assert cheap_decoding(session, bench, evidence) is None
    assert list(tmp_path.iterdir()) == []

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipebench.diagnosis.cheap.room", lambda place: 10_000_000)
    monkeypatch.setattr("pipebench.diagnosis.cheap.write_probes", full)
    assert cheap_decoding(session, bench, evidence) is None


def bench_of(dataset: Dataset, spec: TrialSpec, scratch: Path) -> Bench:
    own = replace(spec, loader="torch_dataloader", data=dataset.url, cpus=[0, 1], step="emulate:4000")
    return Bench(spec=own, scratch=str(scratch))


@pytest.mark.parametrize("name", ["tiny_folder", "tiny_wds"])
def test_decoding_is_relieved_and_the_gain_predicted(
    name: str, request: pytest.FixtureRequest, spec: TrialSpec, tmp_path: Path
) -> None:
    from tests.test_diagnosis_run import Hours, Laboratory

    dataset: Dataset = request.getfixturevalue(name)
    make = request.getfixturevalue("make_record")
    (tmp_path / "scratch").mkdir()
    session = Session(
        loader="mine",
        out=tmp_path / "r.jsonl",
        execute=Laboratory(Pipeline(decode=0.5), make, Hours()),
        clock=SystemClock(),
        max_seconds=1000,
    )
    session.begin()
    evidence = Pipeline(decode=2).evidence()
    found = cheap_decoding(session, bench_of(dataset, spec, tmp_path / "scratch"), evidence)
    assert found is not None
    (record,) = session.of(Phase.RELIEVED_CUT)
    assert record.spec.until == Stage.DECODE
    cheap = open_dataset(record.spec.data)
    assert (cheap.format, cheap.samples) == (dataset.format, dataset.samples)
    assert found.spec.data == cheap.url
    assert found.predicted == pytest.approx(2.61 / 1.11, rel=0.03)
    assert "57% less of the loader's CPU time" in found.what


def never(spec: TrialSpec, timeout: float, **identity: object) -> Record:
    raise AssertionError("nothing is to be run")


def test_where_nothing_can_be_relieved_nothing_is_run(
    tiny_folder: Dataset, spec: TrialSpec, tmp_path: Path
) -> None:
    session = Session(loader="mine", out=tmp_path / "r", execute=never, clock=SystemClock(), max_seconds=1000)
    session.begin()
    bench, evidence = bench_of(tiny_folder, spec, tmp_path), Pipeline(decode=2).evidence()
    assert cheap_decoding(session, replace(bench, scratch=""), evidence) is None
    assert cheap_decoding(session, replace(bench, is_remote=True), evidence) is None
    assert cheap_decoding(session, bench, replace(evidence, cuts={})) is None
