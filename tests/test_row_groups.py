"""Row groups are found and dealt out."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipebench.contract import Placement, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.kinds.image import ImagePreprocessing
from pipebench.loaders._row_groups import Deal, Piece, RowGroups

SIZES = [23, 1, 40, 32]
"""Rows of the shards, of which row groups hold 7."""


@pytest.fixture(scope="module")
def dataset(
    tiny_folder: Dataset, make_parquet: Callable[..., Dataset], tmp_path_factory: pytest.TempPathFactory
) -> Dataset:
    return make_parquet(tiny_folder, tmp_path_factory.mktemp("uneven"), rows=SIZES)


def _deal(dataset: Dataset, rank: int = 0, world: int = 1, workers: int = 2, **changes: Any) -> Deal:
    base: dict[str, Any] = {"batch_size": 10, "preprocessing": ImagePreprocessing()}
    workload = Workload(dataset=dataset, **(base | changes))
    return Deal(workload, Placement(cores=2, rank=rank, world_size=world), workers)


def _ids(pieces: list[Piece]) -> list[int]:
    return [sample for piece in pieces for sample in piece.ids.tolist()]


@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_sample_is_dealt_once(dataset: Dataset, world: int, workers: int, shuffle: bool) -> None:
    shares = []
    for rank in range(world):
        deal = _deal(dataset, rank, world, workers, shuffle=shuffle)
        dealt = [_ids(list(deal.pieces(3, worker))) for worker in range(workers)]
        counts = [len(ids) for ids in dealt]
        assert sum(count % 10 != 0 for count in counts) <= 1
        assert deal.rounds == max(-(-count // 10) for count in counts)
        assert max(counts) - min(counts) <= 19
        shares.append(list(chain(*dealt)))
    assert sorted(chain(*shares)) == list(range(96))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_drop_last_leaves_out_a_ranks_short_batch(dataset: Dataset) -> None:
    deal = _deal(dataset, rank=1, world=3, drop_last=True)
    assert [len(_ids(list(deal.pieces(0, worker)))) for worker in (0, 1)] == [10, 20]


def test_an_epochs_order_is_its_own_and_the_same_for_all(dataset: Dataset) -> None:
    one, other = _deal(dataset, workers=1), _deal(dataset, workers=1, seed=1)
    orders = [_ids(list(deal.pieces(epoch, 0))) for deal, epoch in ((one, 0), (one, 0), (one, 1), (other, 0))]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) == 3


def test_without_shuffling_the_stored_order_is_kept(dataset: Dataset) -> None:
    pieces = list(_deal(dataset, workers=1, shuffle=False).pieces(0, 0))
    assert _ids(pieces) == list(range(96))
    assert [len(piece.ids) for piece in pieces] == [7, 7, 7, 2, 1, 7, 7, 7, 7, 7, 5, 7, 7, 7, 7, 4]
    assert all(piece.first % 7 == 0 and piece.group == piece.first // 7 for piece in pieces)


def test_a_row_group_on_a_border_is_dealt_to_both_sides(dataset: Dataset) -> None:
    deal = _deal(dataset, workers=2, shuffle=False)
    first, second = (list(deal.pieces(0, worker)) for worker in (0, 1))
    assert (first[-1].shard, first[-1].group) == (second[0].shard, second[0].group)
    assert all(low < high for low, high in pairwise(_ids(first + second)))


def test_rows_that_the_index_leaves_out_are_not_dealt(dataset: Dataset) -> None:
    kept = np.flatnonzero(np.arange(96) % 3 == 0)
    index = dataset.index
    columns = {
        name: getattr(index, name)[kept] for name in ("shard", "row", "offset", "size", "label", "hash")
    }
    fewer = replace(index, key=index.key.take(kept), member=index.member.take(kept), **columns)
    part = replace(dataset, samples=len(kept))
    part.__dict__["index"] = fewer
    pieces = list(_deal(part, workers=1, shuffle=False).pieces(0, 0))
    assert _ids(pieces) == list(range(32))
    rows = [(piece.shard, piece.first) for piece in pieces for _ in piece.ids]
    assert all(fewer.row[sample] // 7 * 7 == first for sample, (_, first) in enumerate(rows))


def test_a_shard_that_lost_rows_is_named(
    dataset: Dataset, tiny_folder: Dataset, make_parquet: Callable[..., Dataset], tmp_path: Path
) -> None:
    make_parquet(tiny_folder, tmp_path, rows=[23, 1, 39])
    (tmp_path / "3.parquet").write_bytes((Path(dataset.root) / "3.parquet").read_bytes())
    with pytest.raises(BadInput, match=r"shard 2\.parquet has not the rows"):
        RowGroups(replace(dataset, root=str(tmp_path)))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet at all", None])
def test_what_is_no_parquet_is_named(dataset: Dataset, tmp_path: Path, content: bytes | None) -> None:
    for shard in dataset.shards:
        (tmp_path / shard.name).write_bytes((Path(dataset.root) / shard.name).read_bytes())
    damaged = tmp_path / "1.parquet"
    damaged.unlink() if content is None else damaged.write_bytes(content)
    with pytest.raises(BadInput, match=r"shard .*/1\.parquet cannot be read") as raised:
        RowGroups(replace(dataset, root=str(tmp_path)))
    assert "\n" not in str(raised.value)
