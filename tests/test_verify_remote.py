"""Datasets on an object store are verified like those on disk."""

from pathlib import Path

import pytest

from pipebench.dataset import INDEX
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.files import read_file, remove, write_whole
from tests.verifying import OURS, lines


@pytest.mark.parametrize("form", OURS)
def test_a_dataset_on_an_object_store(form: str, verify_originals: Path, bucket: str) -> None:
    url = f"{bucket}/deep/{form}"
    sharding = Sharding(format=form, shard_samples=None if form == "folder" else 4)
    shard_dataset(str(verify_originals / "plain"), url, sharding)
    assert lines(url) == []
    assert lines(url, full=True) == []
    _damage(url, form)
    found = lines(url, full=True)
    assert any("sample 'cats/1'" in line for line in found)
    assert lines(url, full=True, workers=2) == found
    write_whole(f"{url}/more.tar", b"")
    assert "more.tar: neither the description nor the index tells of it" in lines(url)
    remove(f"{url}/{INDEX}")
    assert f"{INDEX}: it is missing" in lines(url)


def _damage(url: str, form: str) -> None:
    """A payload's first byte; all formats store the first sample of the source first."""
    name = {"wds": "shard-000000.tar", "parquet": "shard-000000.parquet", "folder": "cats/1.jpg"}[form]
    content = bytearray(read_file(f"{url}/{name}"))
    content[content.index(b"\xff\xd8\xff") + 100] ^= 1
    write_whole(f"{url}/{name}", bytes(content))
