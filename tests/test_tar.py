"""Headers are the bytes that Python's tarfile writes, and archives end as they must."""

import io
import tarfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipebench.datasets_prep.formats._tar import BLOCK, LARGEST, Tar, header
from pipebench.datasets_prep.formats.contract import Sink

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)
SHORT = st.text("abc/.% \n", min_size=1, max_size=256)


def by_tarfile(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


@given(NAMES | SHORT, st.integers(0, 8**12))
@example("a" * 100, LARGEST)
@example("a" * 101, LARGEST + 1)
@example("d" * 100 + "/" + "a" * 100, 0)
def test_headers_are_those_of_tarfile(name: str, size: int) -> None:
    assert header(name, size) == by_tarfile(name, size)


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [0],
        [511, 512, 513],
        [BLOCK - 512, 0, BLOCK - 1, BLOCK, BLOCK + 1],
        [BLOCK - 1024, 5, 3 * BLOCK + 5, 4 * BLOCK - 512],
        [100] * 5000,
    ],
)
def test_archives_are_those_of_tarfile(sizes: list[int]) -> None:
    ours, theirs, offsets = io.BytesIO(), io.BytesIO(), []
    tar = Tar(Sink(ours))
    with tarfile.open(fileobj=theirs, mode="w") as reference:
        for number, size in enumerate(sizes):
            content = memoryview(bytearray(str(number).encode() * size)[:size])
            offsets.append(tar.add(f"{number}.bin", content))
            reference.addfile(
                tarfile.TarInfo.frombuf(header(f"{number}.bin", size), "ascii", "strict"), io.BytesIO(content)
            )
            content[:] = bytes(size)  # valid only until the next sample
    tar.end()
    assert ours.getvalue() == theirs.getvalue()
    with tarfile.open(fileobj=io.BytesIO(ours.getvalue())) as archive:
        assert [info.offset_data for info in archive] == offsets


def test_whole_blocks_are_written() -> None:
    sizes: list[int] = []

    class File:
        def write(self, data: bytes | bytearray | memoryview) -> int:
            sizes.append(len(data))
            return len(data)

    tar = Tar(Sink(File()))
    for number in range(3000):
        tar.add(f"{number}", b"x" * 1000)
    tar.add("large", bytes(3 * BLOCK))
    tar.end()
    assert all(size % BLOCK == 0 for size in sizes[:-1])
    assert len(sizes) == 7


def test_what_a_file_does_not_take_is_written_again() -> None:
    taken = bytearray()

    class File:
        def write(self, data: bytes | bytearray | memoryview) -> int:
            some = data[:7]
            taken.extend(some)
            return len(some)

    sink = Sink(File(), digest=False)
    assert sink.write(b"0123456789" * 3) == 30
    assert taken == b"0123456789" * 3
    assert (sink.size, sink.sha256()) == (30, None)
