"""Synthetic photographs: what they look like, what they weigh, and that they repeat."""

import errno
import io
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from pipebench.dataset import Dataset, open_dataset
from pipebench.datasets_prep.synth import Synthesis, synthesise
from pipebench.datasets_prep.synthetic.pictures import picture
from pipebench.datasets_prep.synthetic.plans import Series, make_plan
from pipebench.errors import BadInput
from pipebench.kinds import kind


def _payloads(dataset: Dataset) -> list[bytes]:
    return [(dataset.local_root() / member).read_bytes() for member in dataset.index.member.to_pylist()]


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _slope(luma: NDArray[np.float64]) -> float:
    """Exponent of the power spectrum over frequency, from rings of a Hann-windowed square."""
    side = min(luma.shape)
    square = luma[:side, :side] - luma[:side, :side].mean()
    power = np.abs(np.fft.fft2(square * np.outer(np.hanning(side), np.hanning(side)))) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    edges = np.geomspace(4 / side, 0.45, 12)
    rings = [power[(frequency >= low) & (frequency < high)].mean() for low, high in pairwise(edges)]
    return float(np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(rings), 1)[0])


def _luma(payload: bytes) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(payload)).convert("L"), float)


def test_every_picture_decodes_and_the_index_describes_it(tiny_folder: Dataset) -> None:
    payloads = _payloads(tiny_folder)
    assert [kind("image").fault(payload) for payload in payloads] == [None] * 96
    assert tiny_folder.index.size.tolist() == [len(payload) for payload in payloads]
    assert tiny_folder.payload_bytes == sum(map(len, payloads))
    folders = [member.partition("/")[0] for member in tiny_folder.index.member.to_pylist()]
    assert [tiny_folder.classes[label] for label in tiny_folder.index.label.tolist()] == folders
    assert open_dataset(tiny_folder.url) == tiny_folder


def test_varieties(tiny_folder: Dataset) -> None:
    """Greyscale, progressive, portrait and other colour samplings are there, and in the minority."""
    modes: Counter[str] = Counter()
    for payload in _payloads(tiny_folder):
        with Image.open(io.BytesIO(payload)) as image:
            modes["grey"] += image.mode == "L"
            modes["progressive"] += bool(image.info.get("progressive"))
            modes["portrait"] += image.height > image.width
            modes["4:2:0"] += JpegImagePlugin.get_sampling(image) == 2
    assert 0 < modes["grey"] < 15
    assert 0 < modes["progressive"] < 15
    assert 5 < modes["portrait"] < 40
    assert 70 < modes["4:2:0"] < 96


def test_spectra_fall_as_those_of_photographs_do(tiny_folder: Dataset) -> None:
    """Power over frequency: 36 photographs measured so have a median exponent of -2.96, white noise 0."""
    slopes = [_slope(_luma(payload)) for payload in _payloads(tiny_folder)[:40]]
    assert -3.6 < float(np.median(slopes)) < -2.4
    assert max(slopes) < -1.8


def test_pictures_have_flat_areas_and_edges(tiny_folder: Dataset) -> None:
    """Steps between neighbours: many tiny ones and heavy tails; a Gaussian's kurtosis would be 3."""
    steps = [np.diff(_luma(payload), axis=1).ravel() for payload in _payloads(tiny_folder)[:30]]
    assert np.mean([(np.abs(step) <= 2).mean() for step in steps]) > 0.3
    assert np.median([((step - step.mean()) ** 4).mean() / step.var() ** 2 for step in steps]) > 6


@pytest.mark.parametrize("mean_bytes", [20_000, 110_000, 400_000])
@pytest.mark.parametrize("samples", [8, 40])
def test_mean_bytes(mean_bytes: int, samples: int) -> None:
    series = Series(seed=1, samples=samples, mean_bytes=mean_bytes)
    sizes = [len(picture(series, number)) for number in range(samples)]
    assert abs(np.mean(sizes) / mean_bytes - 1) < 0.1
    assert float(np.std(sizes)) > 0.2 * mean_bytes


def test_sizes_spread_as_those_of_imagenet() -> None:
    series = Series(seed=2, samples=3000, mean_bytes=110_000)
    plans = [make_plan(series, n, np.random.default_rng(n)) for n in range(series.samples)]
    widths, heights = [plan.width for plan in plans], [plan.height for plan in plans]
    assert np.median(widths) == 500
    assert abs(np.median(heights) - 375) < 10
    assert 0.1 < np.mean([high > wide for wide, high in zip(widths, heights, strict=True)]) < 0.3
    assert len(set(zip(widths, heights, strict=True))) > 100
    assert abs(np.mean([plan.target for plan in plans]) / 110_000 - 1) < 0.001


def test_odd_sizes_are_whole_to_the_last_row_and_column() -> None:
    """Rendered even, stated odd: decoders agree about the size, and the last rows hold a picture."""
    series = Series(seed=0, samples=60, mean_bytes=60_000)
    odd = 0
    for number in range(series.samples):
        pixels = simplejpeg.decode_jpeg(picture(series, number))
        plan = make_plan(series, number, np.random.default_rng([0, 1, number]))
        assert pixels.shape == (plan.height, plan.width, 3)
        odd += plan.height % 2 or plan.width % 2
        assert pixels[-1].std() > 0
    assert odd > 10


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    synthesis = Synthesis(samples=70, seed=3, classes=4, mean_bytes=20_000)
    made = [synthesise(tmp_path / f"by_{workers}", synthesis, workers) for workers in (1, 2)]
    assert _files(tmp_path / "by_1") == _files(tmp_path / "by_2")
    assert made[0].content_id == made[1].content_id


def test_another_seed_gives_other_bytes() -> None:
    first, second = (picture(Series(seed=s, samples=9, mean_bytes=30_000), 4) for s in (0, 1))
    assert first != second


def test_more_classes_and_workers_than_samples(tmp_path: Path) -> None:
    dataset = synthesise(tmp_path / "d", Synthesis(samples=2, seed=0, classes=5, mean_bytes=20_000), 4)
    assert (dataset.samples, len(dataset.classes), dataset.index.label.tolist()) == (2, 5, [0, 1])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("samples", 0),
        ("samples", -3),
        ("classes", 0),
        ("seed", -1),
        ("mean_bytes", 10),
        ("mean_bytes", 10**9),
    ],
)
def test_options_out_of_range(option: str, value: int) -> None:
    with pytest.raises(BadInput, match=r"must be"):
        Synthesis(**({"samples": 5, "seed": 0} | {option: value}))


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="already holds something"):
        synthesise(tmp_path, Synthesis(samples=2, seed=0))
    assert _files(tmp_path) == {"mine.txt": b"mine"}


def test_a_folder_that_is_a_link_is_filled_and_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setattr("pipebench.datasets_prep.synth.picture", _no_space)
    with pytest.raises(BadInput, match="cannot be written: No space left"):
        synthesise(tmp_path / "link", Synthesis(samples=3, seed=0))
    assert not any((tmp_path / "real").iterdir())


def _no_space(*_: object) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("existed", [True, False])
def test_a_stop_half_way_leaves_no_dataset(
    existed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "d"
    if existed:
        folder.mkdir()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipebench.datasets_prep.synth._describe", stop)
    with pytest.raises(KeyboardInterrupt):
        synthesise(folder, Synthesis(samples=3, seed=0, mean_bytes=20_000))
    assert folder.exists() == existed
    assert not existed or not any(folder.iterdir())
