"""Payloads come from where the index says, whatever the format."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.loaders import _payload
from pipebench.loaders._payload import Payloads

FORMATS = ["folder", "wds", "parquet"]
Tiny = Callable[[str], Dataset]


@pytest.fixture
def tiny(request: pytest.FixtureRequest) -> Tiny:
    return lambda fmt: request.getfixturevalue(f"tiny_{fmt}")


@pytest.mark.parametrize("fmt", FORMATS)
def test_payloads_are_the_originals(tiny: Tiny, tiny_folder: Dataset, fmt: str) -> None:
    payloads = Payloads(tiny(fmt))
    order = np.random.default_rng(0).permutation(96).tolist()
    assert [payloads.read(sample) for sample in order] == [tiny_folder.payload(sample) for sample in order]


@pytest.mark.parametrize("fmt", ["wds", "parquet"])
def test_a_shards_payloads_in_the_order_in_which_it_stores_them(
    tiny: Tiny, tiny_folder: Dataset, fmt: str
) -> None:
    ids = np.flatnonzero(tiny(fmt).index.shard == 2)
    assert list(Payloads(tiny(fmt)).stored(ids)) == [tiny_folder.payload(sample) for sample in ids.tolist()]


@pytest.mark.parametrize(
    ("fmt", "name"), [("wds", "shard-000002.tar/"), ("parquet", "2.parquet/image, row 8"), ("folder", ".jpg")]
)
def test_names_say_where_a_sample_lies(tiny: Tiny, fmt: str, name: str) -> None:
    assert name in Payloads(tiny(fmt)).member(40)


def _open_below(root: str) -> list[str]:
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names alone
    return [str(link.readlink()) for link in links if link.exists() and str(link.readlink()).startswith(root)]


def test_shards_are_opened_once_and_few_at_a_time(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_payload, "MOST_OPEN", 4)
    dataset = tiny("wds")
    payloads = Payloads(dataset)
    for sample in (*range(96), 5, 95):
        assert payloads.read(sample) == dataset.payload(sample)
        assert len(_open_below(dataset.root)) <= 4
    assert len(_open_below(dataset.root)) == 4
    del payloads
    assert _open_below(dataset.root) == []


@pytest.fixture
def copied(tiny: Tiny, tmp_path: Path) -> Callable[[str], Dataset]:
    """`copied(format)`: a copy that may be damaged."""

    def copy(fmt: str) -> Dataset:
        shutil.copytree(tiny(fmt).root, tmp_path / fmt)
        return replace(tiny(fmt), root=str(tmp_path / fmt))

    return copy


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_file_that_is_too_short_or_gone_is_named(copied: Tiny, fmt: str) -> None:
    dataset = copied(fmt)
    name = dataset.shards[2].name if dataset.shards else str(dataset.index.member[40])
    file = Path(dataset.root) / name
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadInput, match=f"{name}.* no longer holds the \\d+ bytes"):
        Payloads(dataset).read(40)
    file.unlink()
    with pytest.raises(BadInput, match=f"{name}.* cannot be read: No such file"):
        Payloads(dataset).read(40)


def test_a_file_of_its_own_that_has_grown_is_named(copied: Tiny) -> None:
    dataset = copied("folder")
    file = Path(dataset.root) / str(dataset.index.member[40])
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(BadInput, match="no longer holds"):
        Payloads(dataset).read(40)


@pytest.mark.parametrize("fmt", FORMATS)
def test_payloads_in_an_object_store(tiny: Tiny, bucket: str, fmt: str) -> None:
    from pipebench.files import put_files

    whole = tiny(fmt)
    names = [shard.name for shard in whole.shards] or whole.index.member.to_pylist()
    put_files([(Path(whole.root) / name, f"{bucket}/{name}") for name in names])
    payloads = Payloads(replace(whole, root=bucket))
    ids = np.random.default_rng(0).permutation(96)[:20]
    expected = [whole.payload(sample) for sample in ids.tolist()]
    assert payloads.fetch(ids) == expected
    assert [payloads.read(sample) for sample in ids.tolist()[:3]] == expected[:3]
    if whole.shards:
        stored = np.flatnonzero(whole.index.shard == 3)
        assert list(payloads.stored(stored)) == [whole.payload(sample) for sample in stored.tolist()]
