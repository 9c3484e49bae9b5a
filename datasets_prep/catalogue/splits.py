"""`--split train=0.9,val=0.1`: which samples make which dataset."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple

from pipebench.errors import BadInput

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""Of a split: a folder's name, on every filesystem and object store."""
NUMBER = re.compile(r"[0-9]{0,20}\.?[0-9]{1,20}|[0-9]{1,20}/[0-9]{1,20}")


class Share(NamedTuple):
    """What part of the samples a split is to get."""

    name: str
    fraction: Fraction


class Split(NamedTuple):
    """A dataset that is to be written: the samples that the permutation takes to these places."""

    name: str
    """Of its folder, or empty where all samples go into one."""
    first: int
    end: int

    @property
    def samples(self) -> int:
        return self.end - self.first


def parse_shares(text: str) -> tuple[Share, ...]:
    """Names with fractions that add up to 1; raises `BadInput`."""
    shares = tuple(map(_share, text.split(",")))
    if len({share.name.casefold() for share in shares}) < len(shares):
        raise BadInput(f"the split {text!r} names one twice; give each its own name")
    total = sum(share.fraction for share in shares)
    if total != 1:
        raise BadInput(f"the fractions of the split {text!r} add up to {float(total):g}, not to 1")
    return shares


def _share(text: str) -> Share:
    name, equals, number = text.strip().partition("=")
    if not equals or not NAME.fullmatch(name):
        raise BadInput(f"the split {text!r} is not NAME=FRACTION, such as train=0.9")
    try:
        fraction = Fraction(number) if NUMBER.fullmatch(number) else Fraction(0)
    except ZeroDivisionError:
        fraction = Fraction(0)
    if not 0 < fraction <= 1:
        raise BadInput(f"the split {text!r} has no fraction above 0 and up to 1, such as train=0.9")
    return Share(name, fraction)


def spelt(shares: Sequence[Share]) -> str:
    """The shares as they can be parsed again."""
    return ",".join(f"{name}={fraction}" for name, fraction in shares)


def divide(samples: int, shares: Sequence[Share]) -> list[Split]:
    """The splits of so many samples; `BadInput` where one would get none."""
    if not shares:
        return [Split("", 0, samples)]
    ends = [round(total * samples) for total in accumulate(share.fraction for share in shares)]
    splits = [Split(share.name, *bounds) for share, bounds in zip(shares, pairwise([0, *ends]), strict=True)]
    for share, split in zip(shares, splits, strict=True):
        if not split.samples:
            raise BadInput(
                f"the split {share.name!r} would get none of the {samples} samples "
                f"({float(share.fraction):g} of them); give it more, or leave it out"
            )
    return splits
