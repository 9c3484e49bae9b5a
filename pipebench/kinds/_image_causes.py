"""Why a picture differs from its reference: a guess that helps to find the fault, never a verdict."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXPLAINED = 0.5
"""Share of the difference's energy that a cause must account for to be named."""
ANOTHER = 0.5
"""Correlation below which two pictures are not taken for one."""
SLOPES_EXPLAIN, CURVATURE_EXPLAINS = 0.05, 0.1
"""The like for causes of which only the first term is fitted. Of 23 pictures at 48 and 224 pixels, other
filters and missing antialiasing are explained by slopes to at most 0.02, half a pixel's shift to at least
0.05 and mostly 0.4 or more."""
SHIFT = 0.05
"""Pixels from which on a shift is named."""

Planes = NDArray[np.float32]


def likely_cause(got: Planes, expected: Planes) -> str:
    """`; the channels look swapped` and the like, or nothing. Both are (3, S, S) in steps of 255."""
    difference = got - expected
    total = float(np.square(difference).sum())
    for cause, residue in (
        ("; the channels look swapped (BGR for RGB)", got[::-1] - expected),
        ("; it looks mirrored", got[..., ::-1] - expected),
    ):
        if np.square(residue).sum() < (1 - EXPLAINED) * total:
            return cause
    if np.corrcoef(got.ravel(), expected.ravel())[0, 1] < ANOTHER:
        return "; it looks like another sample's picture"
    return _shifted(difference, expected, total) or _filtered(difference, expected, total)


def _shifted(difference: Planes, expected: Planes, total: float) -> str:
    """A small shift changes a picture by its slopes times the shift."""
    down, across = (np.gradient(expected, axis=axis) for axis in (1, 2))
    slopes, share = _explain(difference, [across, down], total)
    if share < SLOPES_EXPLAIN or np.abs(slopes).max() < SHIFT:
        return ""
    return f"; it looks shifted by {-slopes[0]:.1f} pixels to the right and {-slopes[1]:.1f} down"


def _filtered(difference: Planes, expected: Planes, total: float) -> str:
    """A softer or sharper filter changes a picture by its curvature."""
    curvature = sum(np.gradient(np.gradient(expected, axis=axis), axis=axis) for axis in (1, 2))
    (weight,), share = _explain(difference, [np.asarray(curvature)], total)
    if share < CURVATURE_EXPLAINS:
        return ""
    kind = "softer" if weight > 0 else "sharper"
    return f"; it looks {kind}, as by another resize filter"


def _explain(
    difference: Planes, causes: list[NDArray[Any]], total: float
) -> tuple[NDArray[np.float64], float]:
    """Least-squares weights of the causes, and the share of the difference that they account for."""
    matrix = np.stack([cause.ravel() for cause in causes], axis=1).astype(np.float64)
    weights, *_ = np.linalg.lstsq(matrix, difference.ravel().astype(np.float64), rcond=None)
    left = float(np.square(difference.ravel() - matrix @ weights).sum())
    return weights.astype(np.float64), 1 - left / total if total else 0.0
