"""Looking through Parquet files: which columns are what, what is verbatim, what is refused."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from pipebench.datasets_prep._reading import read_samples
from pipebench.datasets_prep.catalogue.catalogue import Catalogue
from pipebench.datasets_prep.formats.contract import Row, Sample
from pipebench.datasets_prep.scanning.source_files import Reading
from pipebench.datasets_prep.scanning.sources import Source, open_source
from pipebench.errors import BadInput

JPEG, PNG = b"\xff\xd8\xff rest", b"\x89PNG\r\n\x1a\n rest"
TWO = {"image": [JPEG, PNG], "label": [0, 1]}


def write(path: Path, columns: Any, **options: Any) -> Path:
    """A Parquet file of columns by their names, or of a pyarrow table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def look(folder: Path, **reading: Any) -> tuple[Source, list[Row], list[Sample]]:
    """The source, its rows, and the samples as they are read."""
    with Catalogue() as catalogue:
        source = open_source(str(folder), "image", catalogue, Reading(**reading))
        rows = list(catalogue.rows(0, source.samples))
        samples = [
            sample._replace(
                payload=bytes(sample.payload),
                extras=tuple(extra._replace(content=bytes(extra.content)) for extra in sample.extras),
            )
            for sample in read_samples(rows)
        ]
        return source, rows, samples


def refused(folder: Path, **reading: Any) -> str:
    with pytest.raises(BadInput) as caught:
        look(folder, **reading)
    message = str(caught.value)
    assert message.isprintable()
    return message


def images(*paths: str | None, content: bytes | None = JPEG) -> pa.Array:
    """As Hugging Face's `datasets` writes them."""
    sort = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.array([{"bytes": content, "path": path} for path in paths], sort)


def test_plain_columns(tmp_path: Path) -> None:
    write(tmp_path / "d/x.parquet", TWO)
    source, rows, samples = look(tmp_path)
    assert (source.format, source.classes, source.shards[0].name) == ("parquet", ("0", "1"), "d/x.parquet")
    assert [(row.key, row.label, row.payload.field, row.payload.size, row.payload.row) for row in rows] == [
        ("d/x/0", 0, "jpg", len(JPEG), 0),
        ("d/x/1", 1, "png", len(PNG), 1),
    ]
    assert [sample.payload for sample in samples] == [JPEG, PNG]


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        ({"key": ["a", "b"]}, ["a", "b"]),
        ({"__key__": ["a", "b"], "id": [7, 8]}, ["a", "b"]),
        ({"id": [7, 8]}, ["7", "8"]),
        ({"key": pa.array(["a", "b"]).dictionary_encode()}, ["a", "b"]),
        ({"id": [0.5, 1.5]}, ["x/0", "x/1"]),
        ({"image": images("n1/a.JPEG", "n1/b.jpeg")}, ["n1/a", "n1/b"]),
        ({"image": images("a.jpg", "a.png")}, ["x/0", "x/1"]),
        ({"image": images("a.jpg", None)}, ["a", "x/1"]),
        ({"image": images("/home/a.jpg", "../b.jpg")}, ["x/0", "x/1"]),
        ({"image": images("a.jpg", "b.jpg"), "key": ["k", "l"]}, ["k", "l"]),
    ],
)
def test_keys(columns: Mapping[str, Any], keys: list[str], tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", TWO | dict(columns))
    assert [sample.key for sample in look(tmp_path)[2]] == keys


@pytest.mark.parametrize(
    ("label", "classes", "labels"),
    [
        ([3, 1], ("0", "1", "2", "3"), [3, 1]),
        (["dog", "cat"], ("cat", "dog"), [1, 0]),
        (pa.array(["dog", "cat"]).dictionary_encode(), ("cat", "dog"), [1, 0]),
        ([True, False], ("0", "1"), [1, 0]),
        (pa.array([1, 0], pa.uint8()), ("0", "1"), [1, 0]),
    ],
)
def test_labels(label: Any, classes: tuple[str, ...], labels: list[int], tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", TWO | {"label": label})
    source, rows, _ = look(tmp_path)
    assert (source.classes, [row.label for row in rows]) == (classes, labels)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["tench", "crane", "crane"], ("tench", "crane (1)", "crane (2)")),
        (["only one"], ("0", "1")),
        ([1, 2], ("0", "1")),
        ("text", ("0", "1")),
    ],
)
def test_names_of_classes_that_hugging_face_tells(
    names: Any, classes: tuple[str, ...], tmp_path: Path
) -> None:
    told = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pa.table(TWO).replace_schema_metadata({"huggingface": json.dumps(told)})
    write(tmp_path / "x.parquet", table)
    assert look(tmp_path)[0].classes[: len(classes)] == classes


def test_further_columns_are_extras(tmp_path: Path) -> None:
    further = {
        "Caption": ["a cat", None],
        "mask": pa.array([b"\0\1", b""]),
        "score": [0.5, None],
        "box": [[1, 2], [3]],
        "when": pa.array([0, 1], pa.timestamp("s")),
        "meta": [{"a": b"\xff", "b": None}, {"a": b"", "b": 1}],
        "words": pa.array(["x", "y"]).dictionary_encode(),
    }
    write(tmp_path / "x.parquet", TWO | further)
    first, second = look(tmp_path)[2]
    assert {extra.field: extra.content for extra in first.extras} == {
        "box.json": b"[1, 2]",
        "caption.txt": b"a cat",
        "mask.bin": b"\0\1",
        "meta.json": b'{"a": "/w==", "b": null}',
        "score.json": b"0.5",
        "when.json": b'"1970-01-01 00:00:00"',
        "words.txt": b"x",
    }
    assert [extra.field for extra in second.extras] == [
        "box.json",
        "mask.bin",
        "meta.json",
        "when.json",
        "words.txt",
    ]


def test_what_stands_beside_the_bytes_comes_along(tmp_path: Path) -> None:
    image = pa.array([{"bytes": JPEG, "path": "same.jpg", "width": 5}] * 2)
    write(tmp_path / "x.parquet", {"image": image, "label": [0, 0]})
    for sample in look(tmp_path)[2]:
        assert {extra.field: extra.content for extra in sample.extras} == {
            "image.path.txt": b"same.jpg",
            "image.width.json": b"5",
        }


@pytest.mark.parametrize(
    ("columns", "reading", "payload"),
    [
        ({"mask": [b"m", b"n"]}, {}, JPEG),
        ({"mask": [JPEG + b"m", JPEG]}, {"column": "mask"}, JPEG + b"m"),
        ({".json": [b"{}", b"{}"]}, {}, JPEG),
        ({"label": [[0], [1]], "y": [0, 1]}, {"label": "y"}, JPEG),
        ({"image": pa.array([JPEG, PNG], pa.large_binary())}, {}, JPEG),
        ({"image": pa.array([JPEG, JPEG], pa.binary(len(JPEG)))}, {}, JPEG),
        ({"image": pa.array([JPEG, PNG]).dictionary_encode()}, {"column": "other"}, JPEG + b"o"),
    ],
)
def test_which_column_is_the_payload(
    columns: Mapping[str, Any], reading: Mapping[str, str], payload: bytes, tmp_path: Path
) -> None:
    other = {"other": [JPEG + b"o", JPEG]} if reading.get("column") == "other" else {}
    write(tmp_path / "x.parquet", TWO | dict(columns) | other)
    assert look(tmp_path, **reading)[2][0].payload == payload


@pytest.mark.parametrize(
    ("columns", "reading", "message"),
    [
        ({"image": ["text", "text"]}, {}, "x.parquet has no column of bytes"),
        ({"image": [[JPEG], [PNG]]}, {}, "image (list<"),
        ({"image": [{"b": JPEG}] * 2}, {}, "x.parquet has no column of bytes"),
        ({"image": None, "a": [JPEG, PNG], "b": [JPEG, PNG]}, {}, "several columns of bytes: a, b; choose"),
        ({}, {"column": "imag"}, "'imag'; did you mean 'image'?"),
        ({}, {"column": "label"}, "the column 'label' holds int64, not bytes"),
        ({}, {"label": "lable"}, "'lable'; did you mean 'label'?"),
        (
            {"label": None, "y": [0, 1]},
            {},
            "no column 'label' or 'cls'; name the labels' column with --label",
        ),
        ({"label": [0.5, 1.5]}, {}, "the labels' column 'label' holds double, neither"),
        ({"label": [0, None]}, {}, "row 1 has nothing in its column 'label'"),
        ({"label": ["a", ""]}, {}, "row 1 has nothing in its column 'label'"),
        ({"label": [0, -1]}, {}, "row 1 has the label -1, which numbers no class"),
        ({"label": ["a", "n" * 1001]}, {}, "row 1 has a label of 1001 characters"),
        ({"key": ["a", None]}, {}, "row 1 has nothing in its column 'key'"),
        ({"key": ["a", ""]}, {}, "row 1 has nothing in its column 'key'"),
        ({"key": ["a", "a"]}, {}, "several samples have the same key: x/a"),
        ({"key": ["new\nline", "new\nline"]}, {}, "several samples have the same key: x/new | line"),
        ({"image": [JPEG, None]}, {}, "row 1 has nothing in its column 'image'"),
        ({"image": [JPEG, b""]}, {}, "x.parquet, row 1' is empty: 0 bytes"),
        ({"image": [JPEG, b"no picture"]}, {}, "row 1 has in its column 'image' no payload of a known kind"),
        (
            {"image": images("x.jpg", "y.jpg", content=None)},
            {},
            "row 0 has nothing in its column 'image.bytes'",
        ),
        ({"A": [1, 2], "a": [3, 4]}, {}, "differ in nothing but case: A, a"),
        ({"new\nline": [JPEG, JPEG], "b": [JPEG, JPEG], "image": None}, {}, "bytes: new | line, b"),
    ],
)
def test_files_that_are_refused(
    columns: Mapping[str, Any], reading: Mapping[str, str], message: str, tmp_path: Path
) -> None:
    given = TWO | dict(columns)
    write(tmp_path / "x.parquet", {name: column for name, column in given.items() if column is not None})
    assert message in refused(tmp_path, **reading)


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    for name in ("key", "label"):
        bad = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
        write(tmp_path / "x.parquet", {"image": [JPEG], "label": [0]} | {name: bad})
        assert f"row 0 has in its column '{name}' what is not UTF-8" in refused(tmp_path)


def test_columns_of_the_same_name(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", pa.Table.from_arrays([pa.array([JPEG])] * 2, ["image", "image"]))
    assert "has columns with the same name: image" in refused(tmp_path)


def test_files_that_are_no_parquet(tmp_path: Path) -> None:
    whole = write(tmp_path / "x.parquet", TWO).read_bytes()
    for content in (b"", b"PAR1", b"no Parquet at all", whole[:-20], whole[: len(whole) // 2], whole[20:]):
        (tmp_path / "x.parquet").write_bytes(content)
        assert "damaged, cut short or no Parquet" in refused(tmp_path)


class _Kms(pe.KmsClient):  # type: ignore[misc]
    def __init__(self, config: object) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)


@pytest.mark.parametrize("plaintext_footer", [False, True])
def test_encrypted_files(plaintext_footer: bool, tmp_path: Path) -> None:
    configuration = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["image"]}, plaintext_footer=plaintext_footer
    )
    properties = pe.CryptoFactory(_Kms).file_encryption_properties(pe.KmsConnectionConfig(), configuration)
    write(tmp_path / "x.parquet", TWO, encryption_properties=properties)
    assert refused(tmp_path).endswith("x.parquet is encrypted; decrypt it first")


def test_a_column_that_becomes_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipebench.datasets_prep.scanning.parquet_rows.BOMB_BYTES", 1_000_000)
    write(tmp_path / "x.parquet", {"image": [JPEG + bytes(2_000_000)], "label": [0]}, compression="zstd")
    assert "as in a decompression bomb" in refused(tmp_path)


def test_damage_anywhere_ends_in_samples_or_a_sentence(tmp_path: Path) -> None:
    whole = write(tmp_path / "x.parquet", TWO | {"caption": ["a", "b"]}).read_bytes()
    generator = np.random.default_rng(1)
    for place in generator.integers(0, len(whole), 300).tolist():
        content = bytearray(whole)
        content[place] ^= 1 << int(generator.integers(8))
        (tmp_path / "x.parquet").write_bytes(content)
        try:
            look(tmp_path)
        except BadInput as error:
            assert str(error).isprintable()


# Verbatim values


PLAIN = {"compression": "none", "use_dictionary": False}


@pytest.mark.parametrize(
    ("options", "is_verbatim"),
    [
        (PLAIN, True),
        ({"compression": "snappy", "use_dictionary": False}, False),
        ({"compression": "none"}, False),
        (PLAIN | {"data_page_size": 10, "write_batch_size": 1}, False),
        (PLAIN | {"column_encoding": {"image": "DELTA_LENGTH_BYTE_ARRAY"}}, False),
        (PLAIN | {"row_group_size": 2}, True),
    ],
)
def test_values_that_lie_as_they_are_get_offsets(
    options: Mapping[str, Any], is_verbatim: bool, tmp_path: Path
) -> None:
    extra = [b"{}", None, b"", b'{"a": 1}', None]
    payloads = [JPEG + b"x" * number for number in range(5)]
    path = write(tmp_path / "x.parquet", {"image": payloads, "label": [0] * 5, ".json": extra}, **options)
    content, (_, rows, samples) = path.read_bytes(), look(tmp_path)
    assert [sample.payload for sample in samples] == payloads
    assert [row.payload.offset >= 0 for row in rows] == [is_verbatim] * 5
    assert [[extra.content for extra in sample.extras] for sample in samples] == [
        [] if value is None else [value] for value in extra
    ]
    for part in [part for row in rows for part in (row.payload, *row.extras) if is_verbatim]:
        expected = payloads[part.row] if part.field == "jpg" else extra[part.row]
        assert content[part.offset :][: part.size] == expected


def test_many_rows_in_one_group(tmp_path: Path) -> None:
    count = 25_000
    payloads = [JPEG + str(number).encode() for number in range(count)]
    write(
        tmp_path / "x.parquet", {"image": payloads, "label": [0] * count, "key": list(map(str, range(count)))}
    )
    _, rows, samples = look(tmp_path)
    assert [row.payload.row for row in rows] == list(range(count))
    assert [sample.payload for sample in samples] == payloads


def test_an_empty_file_and_empty_row_groups(tmp_path: Path) -> None:
    schema = pa.table(TWO).schema
    with pq.ParquetWriter(tmp_path / "x.parquet", schema) as writer:
        for count in (0, 2, 0):
            writer.write_table(pa.table(TWO, schema=schema).slice(0, count))
    write(tmp_path / "y.parquet", pa.table({"image": [], "label": []}, schema=schema))
    source, rows, _ = look(tmp_path)
    assert [(shard.name, shard.samples) for shard in source.shards] == [("x.parquet", 2), ("y.parquet", 0)]
    assert len(rows) == 2
