"""Every format gives back what it was given, and refuses what it can't hold."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from pipebench.datasets_prep._reading import read_samples
from pipebench.datasets_prep.formats import FORMATS
from pipebench.datasets_prep.formats.contract import Extra, Row, Sample
from pipebench.datasets_prep.formats.names import field_of
from pipebench.errors import BadInput
from pipebench.index import content_name, content_sum

LayOut = Callable[..., list[Row]]
EVERY = pytest.mark.parametrize("format", FORMATS)

NAMES = st.text("aB.%\n\r\t\"' \\&*:~`$()-é日ﬂ🜚", min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..")
)
KEYS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FIELDS = ("json", "seg.png", "two words", "txt")
SAMPLES = st.builds(
    lambda key, label, payload, extras: sample(key, label, payload, **extras),
    KEYS | st.just("k" * 200),
    st.integers(0, 1),
    st.binary(max_size=2000),
    st.dictionaries(st.sampled_from(FIELDS), st.binary(max_size=600)),
)


def sample(
    key: str, label: int = 0, payload: bytes = b"payload", field: str = "jpg", **extras: bytes
) -> Sample:
    """A sample whose hashes are right."""
    further = [Extra(name, content, xxhash.xxh3_64_intdigest(content)) for name, content in extras.items()]
    return Sample(key, label, field, payload, xxhash.xxh3_64_intdigest(payload), tuple(sorted(further)))


def content_id(samples: Iterable[Sample]) -> str:
    keys, labels, _, _, hashes, _ = zip(*samples, strict=True)
    return content_name(content_sum(keys, hashes, labels))


def owned(samples: Iterable[Sample]) -> list[Sample]:
    """With bytes of their own."""
    return [
        found._replace(
            payload=bytes(found.payload),
            extras=tuple(extra._replace(content=bytes(extra.content)) for extra in found.extras),
        )
        for found in samples
    ]


@settings(deadline=None, max_examples=60)
@given(st.lists(SAMPLES, min_size=1, max_size=12, unique_by=lambda found: found.key.casefold()))
def test_samples_come_back_through_all_formats(lay_out: LayOut, samples: list[Sample]) -> None:
    samples = [found for found in samples if _fits_tars(found.key)]
    with tempfile.TemporaryDirectory() as folder:
        rows: list[Row] = []
        for number, format in enumerate(("folder", "wds", "parquet", "folder", "parquet", "wds")):  # noqa: A001
            before = owned(read_samples(rows)) if rows else samples
            rows = lay_out(Path(folder, str(number)), format, before)
            assert owned(read_samples(rows)) == samples
        assert not samples or content_id(read_samples(rows)) == content_id(samples)


def _fits_tars(key: str) -> bool:
    """webdataset takes no key whose folders have both a newline and a dot."""
    folders = key.rpartition("/")[0]
    return not ("\n" in folders and "." in folders)


@EVERY
def test_the_same_samples_give_the_same_bytes(lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    samples = [sample(f"k{number}", payload=bytes(number), json=b"{}") for number in range(300)]
    for name in ("one", "other"):
        lay_out(tmp_path / name, format, samples)
    one, other = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "other")
    )
    assert one == other


@EVERY
def test_where_parts_lie_is_told(lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    samples = [sample("a", json=b"{}"), sample("b", payload=b"", txt=b""), sample("c", txt=b"text")]
    rows = lay_out(tmp_path, format, samples)
    for row, written in zip(rows, samples, strict=True):
        parts, contents = (row.payload, *row.extras), (written.payload, *(e.content for e in written.extras))
        for part, content in zip(parts, contents, strict=True):
            assert Path(part.url).read_bytes()[part.offset :][: part.size] == content
        assert row.payload.field == "jpg"


@EVERY
@pytest.mark.parametrize("field", ["", "a/b", "a\0b", "\udcff"])
def test_odd_endings_are_refused(lay_out: LayOut, tmp_path: Path, format: str, field: str) -> None:  # noqa: A002
    further = sample("k")._replace(extras=(Extra(field, b"", 0),))
    for odd in (sample("k", field=field), further):
        with pytest.raises(BadInput, match=r"sample 'k' has a file with the ending .*; rename it"):
            lay_out(tmp_path, format, [odd], name=str(odd))


@EVERY
def test_two_files_with_one_ending_are_refused(lay_out: LayOut, tmp_path: Path, format: str) -> None:  # noqa: A002
    twice = sample("k", json=b"1")._replace(extras=sample("k", json=b"1").extras * 2)
    for number, odd in enumerate((twice, sample("k", jpg=b""), sample("k", a=b"", A=b""))):
        with pytest.raises(BadInput, match="sample 'k' has two files with the same ending"):
            lay_out(tmp_path, format, [odd], name=str(number))


@EVERY
@pytest.mark.parametrize(("key", "message"), [("", "an empty key"), ("\udcff", "is not UTF-8")])
def test_keys_that_are_none(lay_out: LayOut, tmp_path: Path, format: str, key: str, message: str) -> None:  # noqa: A002
    with pytest.raises(BadInput, match=message):
        lay_out(tmp_path, format, [sample(key)])


@pytest.mark.parametrize("format", ["folder", "wds"])
@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("/etc/passwd", "leads out of its folder"),
        ("../x", "leads out of its folder"),
        ("a/../../x", "leads out of its folder"),
        ("a\n/../x", "leads out of its folder"),
        ("a\0b", "zero byte"),
        ("a/", "ends with a slash"),
    ],
)
def test_keys_that_lead_elsewhere(
    lay_out: LayOut,
    tmp_path: Path,
    format: str,  # noqa: A002
    key: str,
    message: str,
) -> None:
    with pytest.raises(BadInput, match=message):
        lay_out(tmp_path / "d", format, [sample(key)])
    assert not list(tmp_path.glob("*.jpg"))


@pytest.mark.parametrize(
    ("key", "member", "format", "field"),
    [
        ("a/x", "c/a/x.jpg", "folder", "jpg"),
        ("a/x.1", "a/x.1.jpg", "folder", "jpg"),
        ("a/x", "a/x.cam.JPG", "folder", "cam.jpg"),
        ("other", "a/x.1.png", "folder", "png"),
        ("a/x.1", "a/x%2E1.cam.JPG", "wds", "cam.jpg"),
        ("a/x", "image.bytes/cam.png", "parquet", "cam.png"),
    ],
)
def test_endings_from_names(key: str, member: str, format: str, field: str) -> None:  # noqa: A002
    assert field_of(key, member, format) == field


@EVERY
@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
def test_estimates_are_about_right(lay_out: LayOut, tmp_path: Path, format: str, size: int) -> None:  # noqa: A002
    samples = [sample(f"k{number}", payload=bytes(size), json=bytes(size)) for number in range(200)]
    lay_out(tmp_path, format, samples)
    form = FORMATS[format]
    estimate = 200 * (form.sample_bytes(size) + form.extra_bytes(size))
    files = [path for path in tmp_path.rglob("*.*") if path.suffix != ".idx"]
    blocks = 4096 if format == "folder" else 1
    written = sum(-(-path.stat().st_size // blocks) * blocks for path in files)
    assert written <= estimate + 20_480
    assert written >= estimate * 0.4
