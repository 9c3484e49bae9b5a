"""`--split`: fractions that are one, names that are folders, and nobody gets nothing."""

from fractions import Fraction

import pytest

from pipebench.datasets_prep.catalogue.splits import Split, divide, parse_shares, spelt
from pipebench.errors import BadInput


def test_shares() -> None:
    shares = parse_shares("train=0.9, val=.05,test=1/20")
    assert shares == (("train", Fraction(9, 10)), ("val", Fraction(1, 20)), ("test", Fraction(1, 20)))
    assert parse_shares(spelt(shares)) == shares


def test_thirds_add_up() -> None:
    assert [split.samples for split in divide(9, parse_shares("a=1/3,b=1/3,c=1/3"))] == [3, 3, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train=0.9,val=0.2", "add up to 1.1, not to 1"),
        ("train=0.33,val=0.33,test=0.33", "add up to 0.99, not to 1"),
        ("train=0.9", "add up to 0.9, not to 1"),
        ("train=0.5,train=0.5", "names one twice"),
        ("train=0.5,Train=0.5", "names one twice"),
        ("", "is not NAME=FRACTION"),
        ("train", "is not NAME=FRACTION"),
        ("=1", "is not NAME=FRACTION"),
        ("../x=1", "is not NAME=FRACTION"),
        ("a/b=1", "is not NAME=FRACTION"),
        (".sharding=1", "is not NAME=FRACTION"),
        ("train=", "has no fraction"),
        ("train=1/0", "has no fraction"),
        ("train=0,val=1", "has no fraction above 0"),
        ("train=-0.5,val=1.5", "has no fraction"),
        ("train=nan", "has no fraction"),
        ("train=1e-999999999", "has no fraction"),
        ("train=90,val=10", "has no fraction above 0 and up to 1"),
    ],
)
def test_shares_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_shares(text)
    assert message in str(caught.value)


def test_without_shares_there_is_one() -> None:
    assert divide(5, ()) == [Split("", 0, 5)]


@pytest.mark.parametrize("samples", [2, 3, 10, 11, 999])
def test_every_sample_is_in_one_split(samples: int) -> None:
    splits = divide(samples, parse_shares("a=0.5,b=0.5"))
    assert [splits[0].first, splits[0].end, splits[1].end] == [0, splits[1].first, samples]
    assert abs(splits[0].samples - splits[1].samples) <= 1


def test_a_split_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match=r"'val' would get none of the 4 samples \(0.1 of them\)"):
        divide(4, parse_shares("train=0.9,val=0.1"))
