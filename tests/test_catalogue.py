"""The catalogue gives back what it was given, finds keys that are alike, and names what it holds."""

import errno
import pickle
from collections.abc import Iterable
from itertools import combinations
from unittest.mock import Mock

import numpy as np
import pytest

from pipebench.datasets_prep.catalogue import blobs as _blobs
from pipebench.datasets_prep.catalogue import catalogue as _catalogue
from pipebench.datasets_prep.catalogue import store as _store
from pipebench.datasets_prep.catalogue.catalogue import Catalogue, Entry, numbered
from pipebench.datasets_prep.formats.contract import Part, Row
from pipebench.errors import BadInput

LARGEST = (1 << 64) - 1


def part(member: str, url: str = "", *, offset: int = 0, hash_: int | None = 5, row: int = -1) -> Part:
    """By default a file of its own in a folder."""
    return Part(member.partition(".")[2], member, url or f"/data/{member}", offset, 100, hash_, row)


def entry(key: str, label: str = "0", *extras: Part) -> Entry:
    return Entry(key, label, part(f"{key}.jpg"), extras)


def filled(entries: Iterable[Entry]) -> Catalogue:
    catalogue = Catalogue()
    catalogue.add(entries)
    catalogue.number_labels(numbered(catalogue.labels())[1])
    return catalogue


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_catalogue, "CHUNK", 2)
    monkeypatch.setattr(_store, "CHUNK", 3)


ENTRIES = [
    entry("a/1", "0"),
    Entry("in a tar", "1", part("other name.png", "s3://b/1.tar", offset=512, hash_=LARGEST), ()),
    Entry("ä 'quoted' \n", "0", part("x.jpg", "/p/1.parquet", offset=-1, hash_=None, row=7), ()),
    entry("a/2", "2", part("a/2.seg.png"), part("a/2.json", hash_=0)),
    entry("a/3", "0", part("elsewhere.txt", "/data/1.tar", offset=9, hash_=1 << 63)),
]


def row(sample: Entry) -> Row:
    extras = sorted(sample.extras, key=lambda extra: extra.field)
    return Row(sample.key, int(sample.label), sample.payload, tuple(extras))


@pytest.mark.parametrize(("first", "end"), [*combinations(range(6), 2)])
def test_rows_come_back(first: int, end: int) -> None:
    with filled(ENTRIES) as catalogue:
        rows = catalogue.rows(first, end)
    assert len(rows) == end - first
    assert list(pickle.loads(pickle.dumps(rows))) == list(map(row, ENTRIES[first:end]))  # noqa: S301 - our own


def test_a_task_names_only_the_files_that_it_reads() -> None:
    with filled(ENTRIES) as catalogue:
        assert {file.url for file in catalogue.rows(1, 2).files.values()} == {"s3://b/1.tar"}


def test_a_catalogue_counts() -> None:
    with filled(ENTRIES) as catalogue:
        assert catalogue.samples == 5
        assert catalogue.fields() == ("json", "seg.png", "txt")
        sizes = list(catalogue.sizes())
    assert np.concatenate([some.payload for some in sizes]).tolist() == [100] * 5
    assert np.concatenate([some.extras for some in sizes]).tolist() == [0, 0, 0, 2, 1]
    assert np.concatenate([some.extra_bytes for some in sizes]).tolist() == [0, 0, 0, 200, 100]


def test_unknown_sizes_count_as_nothing() -> None:
    unknown = part("a.jpg")._replace(size=-1)
    with filled([Entry("a", "0", unknown, (unknown._replace(field="txt"),))]) as catalogue:
        (sizes,) = catalogue.sizes()
        assert (sizes.payload.tolist(), sizes.extra_bytes.tolist()) == ([0], [0])
        assert next(iter(catalogue.rows(0, 1))).payload.size == -1


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (["dog", "cat"], ("cat", "dog"), {"cat": 0, "dog": 1}),
        (["2", "0"], ("0", "1", "2"), {"0": 0, "2": 2}),
        (["2", "two"], ("2", "two"), {"2": 0, "two": 1}),
        (["02", "2"], ("0", "1", "2"), {"02": 2, "2": 2}),
        (["100000"], ("100000",), {"100000": 0}),
        (["²"], ("²",), {"²": 0}),
        ([], (), {}),
    ],
)
def test_labels_are_numbered(labels: list[str], classes: tuple[str, ...], numbers: dict[str, int]) -> None:
    assert numbered(labels) == (classes, numbers)


def test_keys_that_are_alike() -> None:
    keys = ["a/X", "b", "a/x", "c", "b", "STRASSE", "straße", "c", "c", "Σ"]
    with filled(map(entry, keys)) as catalogue:
        assert sorted(catalogue.duplicates(9)) == ["b", "c"]
        assert len(catalogue.duplicates(1)) == 1
        assert sorted(catalogue.case_twins(9)) == [("STRASSE", "straße"), ("a/X", "a/x")]
    with filled(map(entry, "abc")) as catalogue:
        assert (catalogue.duplicates(9), catalogue.case_twins(9)) == ([], [])


def test_keys_with_a_prefix() -> None:
    tars = [Entry("x", "0", part("x.jpg", f"/{n}.tar"), (part("x.json", f"/{n}.tar"),)) for n in range(2)]
    with filled([*tars, entry("y")]) as catalogue:
        assert catalogue.duplicates(9) == ["x"]
        catalogue.prefix_keys({"/0.tar": "0/", "/1.tar": "1/"})
        rows = list(catalogue.rows(0, 3))
        assert (catalogue.duplicates(9), catalogue.case_twins(9)) == ([], [])
    assert [found.key for found in rows] == ["0/x", "1/x", "y"]
    assert [found.payload for found in rows] == [*(tar.payload for tar in tars), part("y.jpg")]
    assert [found.extras for found in rows] == [*(tar.extras for tar in tars), ()]


def test_a_fingerprint_tells_all_but_the_place() -> None:
    def fingerprint(*entries: Entry) -> str:
        with filled(entries) as catalogue:
            return str(catalogue.fingerprint())

    one, two = entry("a"), entry("b")
    moved = [
        sample._replace(payload=part(sample.payload.member, "/d/" + sample.payload.member))
        for sample in (one, two)
    ]
    assert fingerprint(one, two) == fingerprint(*moved)
    others = {
        fingerprint(one, two),
        fingerprint(two, one),
        fingerprint(one),
        fingerprint(one, entry("c")),
        fingerprint(one, entry("b", "1")),
        fingerprint(one, two._replace(payload=part("b.jpg", hash_=6))),
        fingerprint(one, two._replace(payload=part("b.jpg", hash_=None))),
        fingerprint(one, entry("b", "0", part("b.json"))),
    }
    assert len(others) == 8


def test_a_fingerprint_is_the_same_however_samples_come() -> None:
    with filled(ENTRIES) as one, Catalogue() as other:
        for sample in ENTRIES:
            other.add([sample])
        assert one.fingerprint() == other.fingerprint()


def test_no_room_for_the_list_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_blobs, "TemporaryFile", lambda **_: Mock(flush=full))
    expected = r"temporary folder \(No space left on device\).*TMPDIR"
    with Catalogue() as catalogue, pytest.raises(BadInput, match=expected):
        catalogue.add(map(entry, "abcd"))
