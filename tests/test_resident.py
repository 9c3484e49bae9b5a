"""The ceiling: one real batch, again and again."""

from typing import Any

import pytest

from pipebench.contract import Placement, Stage, Workload
from pipebench.dataset import Dataset
from pipebench.kinds.image import Image, ImagePreprocessing
from pipebench.loaders._payload import Payloads
from pipebench.loaders.resident import Resident


def resident(dataset: Dataset, until: Stage = Stage.BATCH, **options: Any) -> Resident:
    workload = Workload(dataset=dataset, batch_size=10, preprocessing=ImagePreprocessing(size=16, **options))
    placement = Placement(cores=1)
    return Resident(workload, placement, until=until, settings=Resident.settings.tuned(placement))


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
