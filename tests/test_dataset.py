"""`dataset.json` and the index: written and read back, and refused in one sentence."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipebench.dataset import (
    DESCRIPTION,
    INDEX,
    SCHEMA,
    Dataset,
    open_dataset,
    write_dataset,
)
from pipebench.errors import BadInput
from pipebench.files import join, write_whole
from pipebench.index import Index, content_id, make_index
from pipebench.seal import seal_fault

Make = Callable[..., Dataset]


def index(keys: list[str], labels: list[int], hashes: list[int], members: list[str] | None = None) -> Index:
    zeros = [0] * len(keys)
    return make_index(
        key=keys, member=members or keys, shard=zeros, offset=zeros, size=zeros, label=labels, hash=hashes
    )


def refusal(url: str) -> str:
    with pytest.raises(BadInput) as raised:
        open_dataset(url).index  # noqa: B018 - it reads the index
    text = str(raised.value)
    assert "\n" not in text
    return text


def describe(made: Dataset, /, **changes: Any) -> None:
    """Rewrites a dataset's description; a change to `...` leaves the key out."""
    path = Path(made.url, DESCRIPTION)
    raw = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in raw.items() if value is not ...}))


def test_what_is_written_is_read_back(make_dataset: Make) -> None:
    made = make_dataset()
    opened = open_dataset(made.url)
    assert opened == made
    assert opened.index.key.to_pylist() == [f"{i}.jpg" for i in range(12)]
    assert opened.index.hash.dtype == np.uint64
    assert [path.read_text() for path in opened.files()][:2] == ["0.jpg", "1.jpg"]
    assert not list(Path(made.url).glob("*.partial"))


def test_description_and_index_are_sealed(make_dataset: Make) -> None:
    made = make_dataset()
    assert seal_fault(Path(made.url, DESCRIPTION).read_bytes()) is None
    content = Path(made.url, INDEX).read_bytes()
    assert open_dataset(made.url).index_sha256 == hashlib.sha256(content).hexdigest()


def test_a_tree_indexed_in_place_keeps_its_root(make_dataset: Make, tmp_path: Path) -> None:
    made = make_dataset()
    describe(made, root="/elsewhere")
    assert open_dataset(made.url).local_root() == Path("/elsewhere")


def test_a_remote_root_is_no_path(make_dataset: Make) -> None:
    with pytest.raises(BadInput, match="s3://b is not on a local filesystem"):
        replace(make_dataset(), root="s3://b").local_root()


@pytest.mark.parametrize("url", ["{}", "file://{}", "{}/"])
def test_a_local_place_has_several_spellings(make_dataset: Make, url: str) -> None:
    assert open_dataset(url.format(make_dataset().url)).samples == 12


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.jpg").write_text("x")
    assert "there is no folder" in refusal(str(tmp_path / "none"))
    assert "is empty; make a dataset there with" in refusal(str(tmp_path / "empty"))
    assert "is a file, not a dataset's folder" in refusal(str(tmp_path / "file"))
    assert "has no dataset.json; index what it holds with" in refusal(str(tmp_path / "full"))


def test_a_folder_of_datasets(make_dataset: Make, tmp_path: Path) -> None:
    for name in ("val", "train"):
        make_dataset(name)
    message = f"{tmp_path} holds the datasets train, val; name one of them, such as {tmp_path}/train"
    assert refusal(str(tmp_path)) == message


@pytest.mark.parametrize("url", ["foo://x", "memory://nothing"])
def test_protocols(url: str) -> None:
    assert url in refusal(url)


@pytest.mark.parametrize(
    "text", [b"", b"not json", b"\xff\xfe", b"[]", b"null", b"3", b'{"schema": 1', b'"schema"', b"[" * 2000]
)
def test_what_is_no_description(make_dataset: Make, text: bytes) -> None:
    made = make_dataset()
    Path(made.url, DESCRIPTION).write_bytes(text)
    assert "dataset.json is not valid" in refusal(made.url)


def shard(name: str) -> dict[str, object]:
    return {"name": name, "samples": 1, "size": 1, "sha256": None}


@pytest.mark.parametrize("member", ["/etc/passwd", "../other.jpg", "a/../../b.jpg", ".."])
def test_members_outside_the_dataset_are_refused(make_dataset: Make, member: str) -> None:
    made = make_dataset()
    column = pa.array([member, *(["fine..jpg"] * (made.samples - 1))], pa.large_string())
    write_dataset(made, replace(made.index, member=column))
    with pytest.raises(BadInput, match="names files outside the dataset"):
        open_dataset(made.url).index  # noqa: B018 - it reads the index


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": SCHEMA + 1}, f"has schema {SCHEMA + 1}, and this pipebench reads schema {SCHEMA}"),
        ({"schema": "one"}, "has schema 'one'"),
        ({"schema": ...}, "misses 'schema'"),
        ({"kind": ...}, "misses 'kind'"),
        ({"samples": ...}, "misses 'samples'"),
        ({"samples": "many"}, "is not valid: samples is 'many'"),
        ({"samples": 1.5}, "is not valid: samples is 1.5"),
        ({"samples": None}, "is not valid: samples is None"),
        ({"root": 5}, "is not valid: root is 5"),
        ({"kind": []}, "is not valid: kind is []"),
        ({"classes": "abc"}, "is not valid: classes is 'abc'"),
        ({"shards": [1]}, "is not valid"),
        ({"shards": [{"name": "a"}]}, "is not valid"),
        ({"shards": [shard("../a.tar")]}, "names shards outside the dataset"),
        ({"shards": [shard("/etc/passwd")]}, "names shards outside the dataset"),
        ({"shards": {"a": 1}}, "is not valid: shards is"),
        ({"shards": [shard("a") | {"size": -1}]}, "is not valid: a shard is"),
        ({"shards": [shard("a") | {"size": float("nan")}]}, "is not valid: a shard is"),
        ({"shards": [shard("a") | {"sha256": 5}]}, "is not valid: a shard is"),
        ({"made": [1]}, "is not valid: made is [1]"),
        ({"samples": 13}, "holds 12 samples where the description says 13"),
    ],
)
def test_wrong_descriptions(make_dataset: Make, changes: Mapping[str, Any], says: str) -> None:
    made = make_dataset()
    describe(made, **changes)
    assert says in refusal(made.url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_description(make_dataset: Make) -> None:
    made = make_dataset()
    Path(made.url, DESCRIPTION).chmod(0)
    assert "dataset.json cannot be read: Permission denied" in refusal(made.url)


def test_a_folder_named_as_the_description(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).mkdir()
    assert "cannot be read: Is a directory" in refusal(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"not parquet", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_broken_index(make_dataset: Make, content: bytes) -> None:
    made = make_dataset()
    Path(made.url, INDEX).write_bytes(content)
    assert "samples.parquet cannot be read" in refusal(made.url)


def test_a_missing_index(make_dataset: Make) -> None:
    made = make_dataset()
    Path(made.url, INDEX).unlink()
    assert "samples.parquet cannot be read" in refusal(made.url)


def test_an_index_that_lacks_a_column(make_dataset: Make) -> None:
    made = make_dataset()
    path = join(made.url, INDEX)
    pq.write_table(pq.read_table(path).drop(["label"]), path)
    assert "misses values" in refusal(made.url)


def test_an_index_with_a_column_of_another_type(make_dataset: Make) -> None:
    made = make_dataset()
    path = join(made.url, INDEX)
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index("label"), "label", pa.array(["x"] * 12)), path)
    assert "samples.parquet cannot be read" in refusal(made.url)


def test_the_content_id_knows_content_alone() -> None:
    one = content_id(index(["a", "b"], [0, 1], [7, 8]))
    assert one == content_id(index(["b", "a"], [1, 0], [8, 7], members=["x/b", "x/a"]))
    assert len(one) == 32


@pytest.mark.parametrize(
    "other",
    [
        index(["a", "b"], [1, 0], [7, 8]),
        index(["a", "b"], [0, 1], [8, 7]),
        index(["a", "c"], [0, 1], [7, 8]),
        index(["ab", ""], [0, 1], [7, 8]),
        index(["a"], [0], [7]),
    ],
)
def test_other_content_has_another_id(other: Index) -> None:
    assert content_id(other) != content_id(index(["a", "b"], [0, 1], [7, 8]))


def test_write_whole_replaces_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(str(path), b"old")
    write_whole(f"file://{path}", b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
