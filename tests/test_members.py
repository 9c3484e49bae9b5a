"""Names of tar members, as WebDataset takes them apart."""

import pyarrow as pa
import pytest

from pipebench.loaders._members import fields, key_and_field


@pytest.mark.parametrize(
    ("member", "parts"),
    [
        ("a/x.jpg", ("a/x", "jpg")),
        ("a.b/x.seg.PNG", ("a.b/x", "seg.png")),
        ("x", ("x", "")),
        ("a.b/x", ("a.b/x", "")),
        (".hidden", (".hidden", "")),
    ],
)
def test_a_key_ends_at_the_basenames_first_dot(member: str, parts: tuple[str, str]) -> None:
    assert key_and_field(member) == parts


def test_fields_of_many() -> None:
    assert fields(pa.array(["a/x.jpg", "b.c/y.JPG", "z.seg.png"], pa.large_string())) == {"jpg", "seg.png"}
