"""Remote files as libraries want files; the storage is a string of bytes here."""

import io
import tarfile
from collections.abc import Sequence

import pytest

from pipebench.files import Range
from pipebench.loaders import _stream
from pipebench.loaders._stream import RemoteFile, Stream

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(offset, size) of what is read; blocks have 1000 bytes."""
    seen: list[tuple[int, int]] = []

    def read(ranges: Sequence[Range]) -> list[bytes]:
        seen.extend((part.offset, part.size) for part in ranges)
        return [CONTENT[part.offset : part.offset + part.size] for part in ranges]

    monkeypatch.setattr(_stream, "read_ranges", read)
    monkeypatch.setattr(_stream, "BLOCK", 1000)
    return seen


@pytest.mark.parametrize("step", [1, 999, 1000, 1001, 5000, 20_000])
def test_a_stream_is_the_file_from_front_to_back(asked: list[tuple[int, int]], step: int) -> None:
    stream = Stream("s3://b/f", len(CONTENT))
    parts = list(iter(lambda: stream.read(step), b""))
    assert b"".join(parts) == CONTENT
    assert {len(part) for part in parts[:-1]} <= {step}
    assert sorted(asked) == [(start, min(1000, 10_240 - start)) for start in range(0, 10_240, 1000)]


def test_an_empty_file(asked: list[tuple[int, int]]) -> None:
    assert Stream("s3://b/f", 0).read(10) == b""
    assert RemoteFile("s3://b/f", 0).read() == b""
    assert asked in ([], [(0, 0)])


def test_a_stream_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(ranges: Sequence[Range]) -> list[bytes]:
        raise OSError("gone")

    monkeypatch.setattr(_stream, "read_ranges", read)
    with pytest.raises(OSError, match="gone"):
        Stream("s3://b/f", 10).read(1)


def test_each_read_of_a_file_is_one_fetch(asked: list[tuple[int, int]]) -> None:
    file = RemoteFile("s3://b/f", len(CONTENT))
    assert file.seek(300) == 300
    assert file.read(5000) == CONTENT[300:5300]
    assert file.tell() == 5300
    assert (file.seek(-8, io.SEEK_END), file.read()) == (10_232, CONTENT[-8:])
    assert (file.seek(10, io.SEEK_SET), file.seek(5, io.SEEK_CUR), file.read(1)) == (10, 15, b"\x0f")
    assert asked == [(300, 5000), (10_232, 8), (15, 1)]
    assert file.readable()
    assert not file.closed


def test_tarfile_reads_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for number in range(9):
            member = tarfile.TarInfo(f"{number}.bin")
            member.size = 3000
            tar.addfile(member, io.BytesIO(bytes([number]) * 3000))
    content = written.getvalue()
    monkeypatch.setattr(
        _stream, "read_ranges", lambda ranges: [content[part.offset :][: part.size] for part in ranges]
    )
    monkeypatch.setattr(_stream, "BLOCK", 4096)
    with tarfile.open(fileobj=Stream("s3://b/f", len(content)), mode="r|*") as tar:
        found = [tar.extractfile(member).read() for member in tar]  # type: ignore[union-attr] # plain files
    assert found == [bytes([number]) * 3000 for number in range(9)]
