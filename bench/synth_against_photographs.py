"""Does a synthetic picture cost what a photograph costs to decode?

    python bench/synth_against_photographs.py PHOTOGRAPHS DATASET [--rounds 9] [--pairs 200]

Each picture of DATASET (from `pipebench data synth`) is paired with a window of one of the
PHOTOGRAPHS, scaled down and cropped to the same pixels and coded in the same way (colour sampling,
grey, baseline or progressive) at the quality whose bytes come nearest. Pairs whose bytes differ by
more than 5 % are left out and counted: some photographs are too smooth. Both are decoded in turn, in
CPU seconds of this process; the least of the rounds stands for each. What remains of the difference
in bytes is printed beside the ratio.
"""

import argparse
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from pipebench.dataset import open_dataset

TOLERANCE = 0.05
SHRINKS = (1.0, 0.8, 0.6, 0.4)
"""How much of the photograph's height or width a window takes; less keeps more of it than a thumbnail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two files of the same pixels and nearly the same bytes."""

    synthetic: bytes
    photograph: bytes
    pixels: int


def main() -> None:
    arguments = _arguments()
    dataset = open_dataset(arguments.dataset)
    root = dataset.local_root()
    members = dataset.index.member.to_pylist()[: arguments.pairs]
    photographs = sorted(path for path in arguments.photographs.iterdir() if path.is_file())
    found = [
        _pair((root / member).read_bytes(), photographs[number * len(photographs) // len(members)], number)
        for number, member in enumerate(members)
    ]
    pairs = [pair for pair in found if pair is not None]
    print(
        f"{len(photographs)} photographs, {len(members)} pictures, {len(pairs)} pairs within {TOLERANCE:.0%}"
    )
    for name, decode in DECODERS.items():
        _print_ratios(name, pairs, _measure(pairs, decode, arguments.rounds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--pairs", type=int, default=200)
    return parser.parse_args()


def _pair(synthetic: bytes, photograph: Path, number: int) -> Pair | None:
    with Image.open(io.BytesIO(synthetic)) as like:
        windows = _windows(photograph, like.size, number)
        codings = [_nearest(window, like, len(synthetic)) for window in windows]
    best = min(codings, key=lambda coded: abs(len(coded) - len(synthetic)), default=b"")
    if abs(len(best) / len(synthetic) - 1) > TOLERANCE:
        return None
    return Pair(synthetic=synthetic, photograph=best, pixels=like.size[0] * like.size[1])


def _windows(path: Path, size: tuple[int, int], number: int) -> list[Any]:
    """Windows of the photograph of the given size, from the whole picture to a part of it."""
    rng = np.random.default_rng(number)
    picture = _opened(path)
    windows = []
    for shrink in SHRINKS:
        scale = shrink * min(picture.width / size[0], picture.height / size[1])
        if scale < 1:
            continue
        wide, high = scale * size[0], scale * size[1]
        left, top = rng.random(2) * (picture.width - wide, picture.height - high)
        box = (max(left, 0), max(top, 0), min(left + wide, picture.width), min(top + high, picture.height))
        windows.append(picture.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3))
    return windows


@lru_cache(maxsize=1)
def _opened(path: Path) -> Any:
    with Image.open(path) as file:
        return file.convert("RGB")


def _nearest(window: Any, like: Any, size: int) -> bytes:
    """The window coded as `like` is, at the quality that comes nearest to `size` bytes, by bisection."""
    window = window.convert(like.mode)
    options = {
        "progressive": bool(like.info.get("progressive")),
        "subsampling": max(JpegImagePlugin.get_sampling(like), 0),
    }
    low, high = 1, 100
    tried: list[bytes] = []
    while low <= high:
        middle = (low + high) // 2
        tried.append(_code(window, middle, options))
        low, high = (middle + 1, high) if len(tried[-1]) < size else (low, middle - 1)
    return min(tried, key=lambda coded: abs(len(coded) - size))


def _code(window: Any, quality: int, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    window.save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def _decode_simplejpeg(payload: bytes) -> None:
    simplejpeg.decode_jpeg(payload, "RGB")


def _decode_pillow(payload: bytes) -> None:
    Image.open(io.BytesIO(payload)).convert("RGB")


DECODERS: dict[str, Callable[[bytes], None]] = {"simplejpeg": _decode_simplejpeg, "pillow": _decode_pillow}


def _measure(pairs: Sequence[Pair], decode: Callable[[bytes], None], rounds: int) -> NDArray[np.float64]:
    """(pairs, 2): the least CPU seconds of the synthetic picture and of the photograph."""
    seconds = np.full((rounds, len(pairs), 2), np.inf)
    for turn in range(rounds):
        for row, pair in enumerate(pairs):
            order = ((0, pair.synthetic), (1, pair.photograph))
            for column, payload in order if (turn + row) % 2 else reversed(order):
                start = time.process_time_ns()
                decode(payload)
                seconds[turn, row, column] = (time.process_time_ns() - start) / 1e9
    least: NDArray[np.float64] = seconds.min(axis=0)
    return least


def _print_ratios(name: str, pairs: Sequence[Pair], seconds: NDArray[np.float64]) -> None:
    ratios = seconds[:, 0] / seconds[:, 1]
    sizes = np.array([(len(pair.synthetic), len(pair.photograph)) for pair in pairs], float).T
    share = float((abs(ratios - 1) <= 0.2).mean())
    low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
    milliseconds = seconds.mean(axis=0) * 1e3
    print(f"{name}: {milliseconds[0]:.3f} ms synthetic, {milliseconds[1]:.3f} ms photographs")
    print(f"  ratio {milliseconds[0] / milliseconds[1]:.3f}, bytes {sizes[0].sum() / sizes[1].sum():.3f}")
    print(f"  of pairs: median {middle:.3f}, 5 to 95 % {low:.3f} to {high:.3f}, within 20 % {share:.1%}")


if __name__ == "__main__":
    main()
