"""The same-work proof passes an honest loader and refuses, with its sentence, each dishonest one."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from pipebench.contract import Batch, Placement, Workload
from pipebench.dataset import Dataset
from pipebench.kinds.image import CROP_AREA, CROP_ASPECT, ImagePreprocessing, _normalise
from pipebench.same_work import SameWork, prove

SIDE = 48
BILINEAR = Pillow.Resampling.BILINEAR


@cache
def _decoded(payload: bytes) -> Pillow.Image:
    """Pictures are decoded once for all tests: what is tested is how the proof judges."""
    with Pillow.open(io.BytesIO(payload)) as picture:
        return picture.convert("RGB")


class Honest:
    """Delivers what was asked, in this process, by Pillow. Dishonest ones override a method."""

    def __init__(self, workload: Workload, placement: Placement) -> None:
        self.workload, self.placement = workload, placement
        asked = workload.preprocessing
        assert isinstance(asked, ImagePreprocessing)
        self.asked = asked

    def epoch(self, number: int) -> Iterator[Batch]:
        for ids in self.batches(self.order(number)):
            yield self.batch(number, ids)

    def order(self, epoch: int) -> NDArray[np.int64]:
        ids = np.arange(self.workload.dataset.samples)
        if self.workload.shuffle:
            ids = np.random.default_rng([self.workload.seed, epoch]).permutation(ids)
        return ids[self.placement.rank :: self.placement.world_size]

    def batches(self, ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        size = self.workload.batch_size
        end = len(ids) - len(ids) % size if self.workload.drop_last else len(ids)
        return (ids[start : start + size] for start in range(0, end, size))

    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        stacked = np.ascontiguousarray([self.pixels(epoch, sample) for sample in ids.tolist()])
        inputs = torch.from_numpy(stacked if self.asked.dtype == "uint8" else _normalised(stacked))
        if self.asked.layout == "channels_last":
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return Batch(inputs, torch.from_numpy(self.labels(ids)), ids)

    def labels(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.workload.dataset.index.label[ids]

    def pixels(self, epoch: int, sample: int) -> NDArray[np.uint8]:
        """(3, S, S)."""
        picture = _decoded(self.workload.dataset.payload(sample))
        if self.asked.recipe == "train":
            generator = self.randomness(epoch, sample)
            picture = picture.crop(self.box(generator, *picture.size))
            if generator.random() < 0.5:
                picture = picture.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(self.resize(picture)).transpose(2, 0, 1)

    def randomness(self, epoch: int, sample: int) -> np.random.Generator:
        return np.random.default_rng([self.workload.seed, epoch, sample])

    def box(self, generator: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
        while True:
            area = generator.uniform(*CROP_AREA) * width * height
            aspect = np.exp(generator.uniform(np.log(CROP_ASPECT[0]), np.log(CROP_ASPECT[1])))
            across, down = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
            if across <= width and down <= height:
                left, top = generator.integers(width - across + 1), generator.integers(height - down + 1)
                return int(left), int(top), int(left) + across, int(top) + down

    def resize(self, picture: Pillow.Image) -> Pillow.Image:
        return picture.resize((self.asked.size, self.asked.size), BILINEAR)

    def close(self) -> None:
        pass


def _normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray([_normalise(picture) for picture in pixels])


def _proof(make: Callable[..., Honest], dataset: Dataset, world_size: int = 1, **changes: Any) -> SameWork:
    asked = ImagePreprocessing(
        size=SIDE, **{key: changes.pop(key) for key in ("recipe", "dtype", "layout") if key in changes}
    )
    workload = replace(
        Workload(dataset=dataset, batch_size=20, preprocessing=asked), **_only(changes, Workload)
    )
    placement = Placement(cores=1, world_size=world_size)
    return prove(make, workload, placement, hold=lambda: None, **_only(changes, SameWork))


def _only(changes: dict[str, Any], of: type) -> dict[str, Any]:
    names = set(Workload.__dataclass_fields__)
    return {key: value for key, value in changes.items() if (key in names) == (of is Workload)}


@pytest.mark.parametrize("seed", range(20))
def test_an_honest_loader_passes_with_every_seed(tiny_folder: Dataset, seed: int) -> None:
    proof = _proof(Honest, tiny_folder, seed=seed)
    assert proof.fault is None
    assert (proof.samples, proof.complete, proof.random) == (96, True, "proved")
    assert proof.compared in (64, 65), "the last sample of a short batch is compared in any case"
    assert proof.shuffle_displacement == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "float32"},
        {"layout": "channels_last"},
        {"dtype": "float32", "layout": "channels_last"},
        {"drop_last": True},
        {"batch_size": 200},
        {"world_size": 3},
        {"world_size": 2, "drop_last": True, "batch_size": 50},
    ],
)
def test_an_honest_loader_passes(tiny_wds: Dataset, changes: dict[str, Any]) -> None:
    proof = _proof(Honest, tiny_wds, **changes)
    assert proof.fault is None
    assert proof.random == "proved"


def test_a_deterministic_recipe_has_no_randomness_to_prove(tiny_folder: Dataset) -> None:
    assert _proof(Honest, tiny_folder, recipe="check").random == "none"
    proof = _proof(Honest, tiny_folder, recipe="check", shuffle=False)
    assert (proof.fault, proof.random, proof.shuffle_displacement) == (None, "none", None)


def test_a_large_dataset_is_left_early(tiny_folder: Dataset) -> None:
    proof = _proof(Honest, tiny_folder, max_samples=40)
    assert proof.fault is None
    assert (proof.samples, proof.complete, proof.compared) == (40, False, 40)
    assert proof.shuffle_displacement == pytest.approx(1 / 3, abs=0.1)


def test_what_cannot_be_proved_is_said(tiny_folder: Dataset) -> None:
    elsewhere = replace(tiny_folder, format="lance")
    assert _proof(Honest, elsewhere).random == "unchecked: there are no probes in format lance"


class Twice(Honest):
    def order(self, epoch: int) -> NDArray[np.int64]:
        ids = super().order(epoch).copy()
        ids[7] = ids[30]
        return ids


class OneMore(Honest):
    def order(self, epoch: int) -> NDArray[np.int64]:
        ids = super().order(epoch)
        return np.append(ids, ids[0])


class Missing(Honest):
    def order(self, epoch: int) -> NDArray[np.int64]:
        ids = super().order(epoch)
        return np.delete(ids, np.flatnonzero(ids == 42))


class DropsPartial(Honest):
    def batches(self, ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        return (batch for batch in super().batches(ids) if len(batch) == self.workload.batch_size)


class ShortInTheMiddle(Honest):
    def batches(self, ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        yield ids[:5]
        yield from super().batches(ids[5:])


class TooLarge(Honest):
    def batches(self, ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        return iter([ids])


class ShuffledLabels(Honest):
    def labels(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return super().labels(np.roll(ids, 1))


class ShuffledLabelsAndIds(Honest):
    """Labels and ids agree, and belong to other pictures."""

    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        moved = np.roll(ids, 1)
        return super().batch(epoch, ids)._replace(labels=torch.from_numpy(self.labels(moved)), ids=moved)


class Bgr(Honest):
    def pixels(self, epoch: int, sample: int) -> NDArray[np.uint8]:
        return super().pixels(epoch, sample)[::-1]


class Bicubic(Honest):
    def resize(self, picture: Pillow.Image) -> Pillow.Image:
        return picture.resize((SIDE, SIDE), Pillow.Resampling.BICUBIC)


class NotAntialiased(Honest):
    def resize(self, picture: Pillow.Image) -> Pillow.Image:
        scale = (picture.width / SIDE, 0, 0, 0, picture.height / SIDE, 0)
        return picture.transform((SIDE, SIDE), Pillow.Transform.AFFINE, scale, BILINEAR)


class HalfPixel(Honest):
    """Off by half a pixel of the result."""

    def resize(self, picture: Pillow.Image) -> Pillow.Image:
        step = picture.width / SIDE / 2
        return picture.transform(
            picture.size, Pillow.Transform.AFFINE, (1, 0, step, 0, 1, 0), BILINEAR
        ).resize((SIDE, SIDE), BILINEAR)


class CentreCrop(Honest):
    def box(self, generator: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
        left, top, right, bottom = super().box(generator, width, height)
        across, down = (width - right + left) // 2, (height - bottom + top) // 2
        return across, down, across + right - left, down + bottom - top


class WholePicture(Honest):
    def box(self, generator: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
        return 0, 0, width, height


class SameEveryEpoch(Honest):
    def randomness(self, epoch: int, sample: int) -> np.random.Generator:
        return np.random.default_rng([self.workload.seed, sample])


class SameInEachWorker(Honest):
    """Two workers that were seeded alike."""

    def randomness(self, epoch: int, sample: int) -> np.random.Generator:
        return np.random.default_rng([self.workload.seed, epoch, sample // 2])


class NeverMirrored(Honest):
    def randomness(self, epoch: int, sample: int) -> Any:
        class Straight(np.random.Generator):
            def random(self, *_: Any, **__: Any) -> Any:
                return 0.9

        return Straight(np.random.PCG64([self.workload.seed, epoch, sample]))


class LargeCropsOnly(Honest):
    def box(self, generator: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
        while True:
            left, top, right, bottom = super().box(generator, width, height)
            if (right - left) * (bottom - top) > 0.25 * width * height:
                return left, top, right, bottom


class Unshuffled(Honest):
    def order(self, epoch: int) -> NDArray[np.int64]:
        ids = np.arange(self.workload.dataset.samples)
        return ids[self.placement.rank :: self.placement.world_size]


class ShuffledOnce(Honest):
    def order(self, epoch: int) -> NDArray[np.int64]:
        return super().order(0)


class SameForAllRanks(Honest):
    def __init__(self, workload: Workload, placement: Placement) -> None:
        super().__init__(workload, replace(placement, rank=0))


class WrongDtype(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        batch = super().batch(epoch, ids)
        return batch._replace(inputs=batch.inputs.float())


class WrongLayout(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        batch = super().batch(epoch, ids)
        return batch._replace(inputs=batch.inputs.contiguous(memory_format=torch.channels_last))


class WrongShape(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        batch = super().batch(epoch, ids)
        return batch._replace(inputs=batch.inputs[..., 1:])


class NoInputs(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        return super().batch(epoch, ids)._replace(inputs=None)


class ListOfIds(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        return super().batch(epoch, ids)._replace(ids=ids.tolist())


class NarrowLabels(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        batch = super().batch(epoch, ids)
        return batch._replace(labels=batch.labels.int())


class UnknownId(Honest):
    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        return super().batch(epoch, ids)._replace(ids=ids + 96)


FAULTS: list[tuple[type[Honest], str]] = [
    (Twice, "came twice in one epoch"),
    (OneMore, "came twice in one epoch"),
    (Missing, "^sample 42 never came$"),
    (DropsPartial, "^the last partial batch was dropped: 16 samples never came$"),
    (ShortInTheMiddle, "^batch 0 has 5 samples, not 20, and is not the last$"),
    (TooLarge, "^batch 0 has 96 samples, where 1 to 20 were asked$"),
    (ShuffledLabels, "^labels do not belong to their samples: "),
    (ShuffledLabelsAndIds, "another sample's picture$"),
    (Bgr, r"the channels look swapped \(BGR for RGB\)$"),
    (Bicubic, "^sample .* pixels differ from Pillow's .* by another resize filter$"),
    (NotAntialiased, "^sample .* pixels differ from Pillow's"),
    (HalfPixel, "^sample .* pixels differ from Pillow's .* it looks shifted by -0.[3-7] pixels to the right"),
    (CentreCrop, "^a centre crop stands in for random crops: "),
    (WholePicture, "^a centre crop stands in for random crops: 100%"),
    (SameEveryEpoch, "^the same crops come in every epoch: 100%"),
    (SameInEachWorker, "^crops repeat: 100%"),
    (NeverMirrored, "^0% of the samples are mirrored"),
    (LargeCropsOnly, "^the crops' area is not as asked"),
    (Unshuffled, "^samples are not shuffled: 100% of them follow their stored neighbour$"),
    (ShuffledOnce, "^samples are not shuffled anew: two epochs came in the same order$"),
    (WrongDtype, "^batch 0: inputs have dtype torch.float32, not uint8$"),
    (WrongLayout, "^batch 0: inputs are not laid out contiguous in memory"),
    (WrongShape, "^batch 0: inputs have shape"),
    (NoInputs, "^batch 0: inputs are a NoneType, not a tensor$"),
    (ListOfIds, "^batch 0 has ids that are no int64 numpy array"),
    (NarrowLabels, "^batch 0 has labels that are no int64 tensor"),
    (UnknownId, "where ids run from 0 to 95$"),
]


@pytest.mark.parametrize(("loader", "sentence"), FAULTS, ids=[loader.__name__ for loader, _ in FAULTS])
def test_a_dishonest_loader_is_refused(tiny_folder: Dataset, loader: type[Honest], sentence: str) -> None:
    fault = _proof(loader, tiny_folder).fault
    assert fault is not None
    assert "\n" not in fault
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(fault)


def test_ranks_that_share_samples_are_refused(tiny_folder: Dataset) -> None:
    fault = _proof(SameForAllRanks, tiny_folder, world_size=2).fault
    assert fault is not None
    assert fault.startswith("ranks 0 and 1 both delivered sample ")


class OneBuffer(Honest):
    """Fills its only buffer anew while the consumer still uses it: when time passes."""

    def __init__(self, workload: Workload, placement: Placement) -> None:
        super().__init__(workload, placement)
        self.buffer: Any = None

    def batch(self, epoch: int, ids: NDArray[np.int64]) -> Batch:
        batch = super().batch(epoch, ids)
        self.buffer = batch.inputs
        return batch

    def pass_time(self) -> None:
        self.buffer[0] ^= 255


def test_a_buffer_reused_too_early_is_refused(tiny_folder: Dataset) -> None:
    made: list[OneBuffer] = []

    def make(workload: Workload, placement: Placement) -> OneBuffer:
        made.append(OneBuffer(workload, placement))
        return made[-1]

    asked = Workload(dataset=tiny_folder, batch_size=20, preprocessing=ImagePreprocessing(size=SIDE))
    proof = prove(make, asked, Placement(cores=1), hold=lambda: made[-1].pass_time())
    assert proof.fault is not None
    assert proof.fault.startswith("batch 0 changed while it was in use")


def test_every_loader_is_closed(tiny_folder: Dataset) -> None:
    closed: list[int] = []

    class Closing(Missing):
        def close(self) -> None:
            closed.append(self.placement.rank)

    assert _proof(Closing, tiny_folder, world_size=2).fault is not None
    assert closed == [0, 1]
    closed.clear()

    class Raising(Closing):
        def order(self, epoch: int) -> NDArray[np.int64]:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        _proof(Raising, tiny_folder)
    assert closed == [0]
