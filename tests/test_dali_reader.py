"""Which of DALI's indexes is used: the one beside a shard where it serves, else one made for the rank."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipebench.contract import Placement, Workload
from pipebench.dataset import Dataset
from pipebench.kinds.image import ImagePreprocessing
from pipebench.loaders._dali_reader import WdsReader


def _beside(dataset: Dataset, rank: int = 0, world_size: int = 1) -> tuple[str, list[str]] | None:
    workload = Workload(dataset=dataset, batch_size=4, preprocessing=ImagePreprocessing())
    reader = WdsReader(workload, Placement(cores=1, rank=rank, world_size=world_size))
    found = reader._beside(sorted(set(dataset.index.shard[reader.ids].tolist())))
    return found and (found[0], [path.name for path in found[1]])


def test_whole_shards_have_theirs(tiny_wds: Dataset) -> None:
    assert _beside(tiny_wds) == ("jpg", [f"shard-{number:06d}.idx" for number in range(6)])
    assert _beside(tiny_wds, 1, 3) == ("jpg", ["shard-000002.idx", "shard-000003.idx"])


def test_a_rank_with_part_of_a_shard_needs_another(tiny_wds: Dataset) -> None:
    assert _beside(tiny_wds, 0, 5) is None


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("v1.1 0\n")])
def test_an_index_that_is_gone_or_changed_is_not_used(
    tiny_wds: Dataset, tmp_path: Path, spoil: object
) -> None:
    copy = shutil.copytree(tiny_wds.local_root(), tmp_path / "copy")
    assert callable(spoil)
    spoil(copy / "shard-000004.idx")
    assert _beside(replace(tiny_wds, url=str(copy), root=str(copy))) is None


def test_tars_that_pipebench_did_not_write_have_none(tiny_wds: Dataset) -> None:
    shards = tuple(replace(shard, idx_sha256=None) for shard in tiny_wds.shards)
    assert _beside(replace(tiny_wds, shards=shards)) is None


def test_several_endings_cannot_be_told(tiny_wds: Dataset) -> None:
    index = tiny_wds.index
    dataset = replace(tiny_wds)
    members = index.member.to_pylist()
    members[0] = members[0].replace(".jpg", ".png")
    vars(dataset)["index"] = replace(index, member=type(index.member).from_pandas(members))
    assert _beside(dataset) is None
