"""The throw-away datasets of probes can be read like any other."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipebench.kinds import Probe
from pipebench.probe import write_probes

PROBE = Probe(b"payload", ".bin")


@pytest.mark.parametrize(("fmt", "shards"), [("folder", 0), ("wds", 3), ("parquet", 3)])
def test_probes_are_where_the_index_says(tmp_path: Path, fmt: str, shards: int) -> None:
    made = write_probes(tmp_path, PROBE, kind="image", format=fmt, samples=10, shards=3)
    assert made is not None
    assert len(made.shards) == shards
    assert sum(shard.samples for shard in made.shards) == (10 if shards else 0)
    assert [made.payload(sample) for sample in range(10)] == [b"payload"] * 10
    assert set(np.unique(made.index.label)) == {0, 1}
    assert str(made.index.member[9]) == ("payload/bin" if fmt == "parquet" else "1/000009.bin")


def test_probes_in_parquet_are_what_pyarrow_reads(tmp_path: Path) -> None:
    made = write_probes(tmp_path, PROBE, kind="image", format="parquet", samples=10, shards=3)
    assert made is not None
    tables = [pq.read_table(tmp_path / shard.name) for shard in made.shards]
    assert [len(table) for table in tables] == [4, 3, 3]
    assert {value for table in tables for value in table["payload"].to_pylist()} == {b"payload"}


def test_an_unknown_format_has_none(tmp_path: Path) -> None:
    assert write_probes(tmp_path, PROBE, kind="image", format="papyrus", samples=4, shards=1) is None
    assert not list(tmp_path.iterdir())
