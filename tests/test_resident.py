"""The ceiling: one real batch, again and again."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pipebench.contract import Placement, Stage, Workload
from pipebench.dataset import Dataset
from pipebench.errors import BadInput
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._payload import Payloads
from pipebench.loaders.resident import AHEAD, TENSORS, Resident, ResidentSettings


def resident(
    dataset: Dataset,
    until: Stage = Stage.BATCH,
    *,
    device: str = "cpu",
    copied: bool = False,
    **options: Any,
) -> Resident:
    workload = Workload(dataset=dataset, batch_size=10, preprocessing=ImagePreprocessing(size=16, **options))
    placement = Placement(cores=1, device=device)
    return Resident(workload, placement, until=until, settings=ResidentSettings(copied=copied))


@pytest.mark.parametrize("fixture", ["tiny_folder", "tiny_wds"])
@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
def test_the_batch_is_real(request: pytest.FixtureRequest, fixture: str, layout: Any) -> None:
    dataset = request.getfixturevalue(fixture)
    wanted = ImagePreprocessing(recipe="check", size=16, layout=layout)
    batch = next(resident(dataset, layout=layout).epoch(0))
    assert Image().layout_fault(batch.inputs, 10, wanted) is None
    assert batch.labels.tolist() == dataset.index.label[:10].tolist()
    for sample, row in zip(batch.ids.tolist(), batch.inputs.numpy(), strict=True):
        expected = Image().reference(Payloads(dataset).read(sample), wanted)
        assert Image().mismatch(row, expected, wanted) is None


def test_an_epoch_has_its_number_of_batches_and_one_buffer(tiny_folder: Dataset) -> None:
    loader = resident(tiny_folder)
    batches = [batch for number in range(2) for batch in loader.epoch(number)]
    assert len(batches) == 20
    assert len({batch.inputs.data_ptr() for batch in batches}) == 1
    loader.close()
    loader.close()


def test_a_cut_has_ids_alone(tiny_folder: Dataset) -> None:
    batch = next(resident(tiny_folder, until=Stage.DECODE).epoch(0))
    assert (batch.inputs, batch.labels, batch.ids.tolist()) == (None, None, list(range(10)))


class Copy:
    """The event after a copy to a device that is only played: it is done once it has been waited for."""

    pending = 0

    def __init__(self) -> None:
        self.is_done = False

    def record(self, stream: object) -> None:
        assert stream == "of this device"
        Copy.pending += 1

    def query(self) -> bool:
        return self.is_done

    def synchronize(self) -> None:
        self.is_done = True
        Copy.pending -= 1


def test_copies_are_made_anew_and_few_are_on_their_way(
    tiny_folder: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = SimpleNamespace(Event=Copy, current_stream=lambda _: "of this device")
    monkeypatch.setattr(torch, "cuda", cuda)
    monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
    loader = resident(tiny_folder, device="meta", copied=True)
    on_their_way, batches = [], []
    for batch in loader.epoch(0):
        batches.append(batch)
        on_their_way.append(Copy.pending)
    assert len(batches) == 10
    assert {batch.inputs.device.type for batch in batches} == {"meta"}
    assert len({id(batch.inputs) for batch in batches}) == 10
    assert max(on_their_way) == (AHEAD + 1) * TENSORS
    loader.close()
    assert Copy.pending == 0


def test_copies_need_a_device(tiny_folder: Dataset) -> None:
    with pytest.raises(BadInput, match="needs a device"):
        resident(tiny_folder, copied=True)
