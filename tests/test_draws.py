"""Crops and flips follow from (seed, epoch, id) alone, and are RandomResizedCrop's."""

import numpy as np
import pytest

from pipebench.kinds.image import ImagePreprocessing
from pipebench.loaders._draws import Box, RandomCrops, Whole, geometry, uniforms

IDS = np.arange(20_000)


def boxes(seed: int = 0, epoch: int = 0, height: int = 375, width: int = 500) -> list[Box]:
    crops = RandomCrops(seed, epoch, IDS)
    return [crops.box(row, height, width) for row in range(len(IDS))]


def test_a_sample_draws_the_same_in_any_batch() -> None:
    whole, part = RandomCrops(3, 4, IDS), RandomCrops(3, 4, IDS[[70, 9]])
    assert whole.box(70, 375, 500) == part.box(0, 375, 500)
    assert whole.box(9, 40, 30) == part.box(1, 40, 30)
    assert (whole.flip[70], whole.flip[9]) == tuple(part.flip)


@pytest.mark.parametrize("other", [(1, 0), (0, 1), (1, 1)])
def test_seeds_and_epochs_draw_differently(other: tuple[int, int]) -> None:
    assert sum(a == b for a, b in zip(boxes(), boxes(*other), strict=True)) < 5


def test_samples_draw_differently() -> None:
    assert len(set(boxes())) > 0.99 * len(IDS)


def test_numbers_are_uniform_and_columns_independent() -> None:
    numbers = uniforms(1, 2, IDS, 4)
    assert numbers.shape == (len(IDS), 4)
    assert 0 <= numbers.min() < numbers.max() < 1
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    assert np.abs(counts / counts.mean() - 1).max() < 0.06
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.03


def test_crops_lie_inside_with_area_and_aspect_in_range() -> None:
    drawn = np.array(boxes())
    top, left, height, width = drawn.T
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + height <= 375).all() and (left + width <= 500).all()
    area, aspect = height * width / (375 * 500), width / height
    assert 0.075 < area.min() < 0.09 and area.max() <= 1
    assert 0.73 < aspect.min() < 0.77 and 1.31 < aspect.max() < 1.36


def test_area_aspect_and_place_agree_with_torchvision() -> None:
    import torch
    from torchvision.transforms import RandomResizedCrop

    torch.manual_seed(0)
    picture = torch.empty(3, 375, 500)
    reference = np.array(
        [RandomResizedCrop.get_params(picture, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(20_000)]
    )
    for ours, theirs in zip(np.array(boxes()).T, reference.T, strict=True):
        deciles = np.arange(0.1, 1, 0.1)
        assert np.abs(np.quantile(ours, deciles) - np.quantile(theirs, deciles)).max() < 6


def test_half_the_samples_are_flipped() -> None:
    assert 0.48 < np.mean(RandomCrops(0, 0, IDS).flip) < 0.52


@pytest.mark.parametrize(
    ("size", "box"),
    [((10, 1000), Box(0, 493, 10, 13)), ((1000, 10), Box(493, 0, 13, 10)), ((1, 1), Box(0, 0, 1, 1))],
)
def test_a_picture_that_no_draw_fits_is_cropped_centrally(size: tuple[int, int], box: Box) -> None:
    crops = RandomCrops(0, 0, IDS[:50])
    assert box in [crops.box(row, *size) for row in range(50)]


def test_the_check_recipe_takes_the_whole_picture() -> None:
    whole = geometry(ImagePreprocessing(recipe="check"), 0, 0, IDS[:2])
    assert isinstance(whole, Whole)
    assert (whole.box(1, 30, 40), whole.flip) == (Box(0, 0, 30, 40), [False, False])
