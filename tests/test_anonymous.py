"""Nothing that names a host, a user, a bucket or a path is left; what tells contestants apart is."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipebench.anonymous import MASK, Redactor
from pipebench.results import Record, from_raw, to_line

Make = Callable[..., Record]

SECRETS = ("carol", "acme", "gpubox7", "imagenet21k", "secretbucket", "miniforge", "fastenv", "crops-2024")


@pytest.fixture
def record(make_record: Make) -> Record:
    record = make_record(
        contestant="dali@/home/carol/miniforge/envs/fastenv/bin/python:cache=/mnt/acme/tmp wds",
        status="failed",
        loader="dali",
        reason="OSError: [Errno 2] No such file: '/mnt/acme/imagenet21k/My Files/x.tar' (reader.py, line 3); "
        "user carol on gpubox7 (10.2.3.4:9000) asked s3://secretbucket/crops-2024/0.tar, then "
        "minio.acme.corp:9000 and secretbucket again; tried ../acme/imagenet21k and ~carol/x, "
        "C:\\Users\\carol\\x, mail carol@acme.com",
        settings={"cache": "/mnt/acme/tmp", "workers": 4, "decoder": "cpu"},
        machine={"host": "gpubox7", "cpu": "AMD EPYC", "cores": 2},
        versions={"torch": "2.14.1"},
        started="2026-11-24T07:29:57+00:00",
        content_id="7eeb9285607de0354e51a72e12a609c4",
    )
    python = "/home/carol/miniforge/envs/fastenv/bin/python"
    spec = replace(record.spec, python=python, data="s3://secretbucket/crops-2024", source="/home/carol/acme")
    return replace(record, spec=spec)


def redacted(*records: Record) -> list[dict[str, Any]]:
    redactor = Redactor()
    raws = [json.loads(to_line(record)) for record in records]
    for raw in raws:
        redactor.learn(raw)
    return [redactor.record(raw) for raw in raws]


def test_no_name_is_left(record: Record) -> None:
    [raw] = redacted(record)
    text = json.dumps(raw).lower()
    assert [secret for secret in SECRETS if secret in text] == []
    assert "my files" not in text
    assert "10.2.3.4" not in text


def test_it_is_still_a_record_and_says_what_it_measured(record: Record, make_record: Make) -> None:
    raw, _ = redacted(record, make_record())
    back = from_raw(raw)
    assert back.contestant.startswith("dali@path-")
    assert back.contestant.endswith(" wds")
    assert back.settings["workers"] == 4
    assert back.settings["decoder"] == "cpu"
    assert back.machine == {"host": "", "cpu": "AMD EPYC", "cores": 2}
    assert back.content_id == record.content_id
    assert back.started == record.started
    assert back.versions == record.versions
    assert back.spec.data.startswith("s3://path-")
    assert "OSError: [Errno 2] No such file" in back.reason


def test_measured_values_stay(make_record: Make) -> None:
    record = make_record()
    [raw] = redacted(record)
    assert from_raw(raw).trace == record.trace


def test_paths_stay_distinct_and_the_same_throughout(record: Record, make_record: Make) -> None:
    other = replace(make_record(), spec=replace(record.spec, data="/data/other"))
    first, second = redacted(record, other)
    assert first["spec"]["data"] != second["spec"]["data"]
    assert first["spec"]["python"] == second["spec"]["python"]
    assert first["spec"]["python"] in first["contestant"]


def test_a_name_learnt_late_is_masked_early(record: Record, make_record: Make) -> None:
    early, _ = redacted(make_record(status="failed", reason="gpubox7 is down"), record)
    assert early["reason"] == f"{MASK} is down"


def test_redacting_twice_changes_nothing(record: Record) -> None:
    [once] = redacted(record)
    redactor = Redactor()
    redactor.learn(once)
    assert redactor.record(once)["spec"] == once["spec"]


@pytest.mark.parametrize("loader", ["dali", "torch_dataloader", "plain:Plain", "webdataset"])
def test_a_loader_keeps_its_name_wherever_the_data_lies(make_record: Make, loader: str) -> None:
    record = make_record(contestant=loader)
    record = replace(record, spec=replace(record.spec, loader=loader, data=f"/x/{loader}/acme/wds"))
    [raw] = redacted(record)
    assert raw["contestant"] == raw["spec"]["loader"] == loader


@pytest.mark.parametrize(
    "text",
    [
        "not the same work: sample 3 twice",
        "pip install 'pipebench[dali]'",
        "took longer than 120 s",
        "1434 samples/s",
        "RuntimeError: shape (3, 224, 224) is not (224, 224, 3) (trial.py, line 9)",
        "torch_dataloader:workers=4,decoder=pillow",
        "emulate:1398",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert Redactor().text(text) == text
