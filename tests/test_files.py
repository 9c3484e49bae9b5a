"""Files behind URLs, on a real S3 server, with and without faults."""

import pytest

from pipebench import files
from pipebench.files import Range
from tests.faulty_proxy import PASSING, FaultyProxy


def test_whole_files_and_ranges(bucket: str) -> None:
    url, content = f"{bucket}/a/b.bin", bytes(range(256))
    files.write_whole(url, content)
    assert files.read_file(url) == content
    asked = [Range(url, 3, 4), Range(url, 0, 0), Range(url, 250, 6)]
    assert files.read_ranges(asked) == [content[3:7], b"", content[250:]]


@pytest.mark.parametrize("action", PASSING)
def test_what_passes_is_tried_again(bucket: str, faulty: FaultyProxy, action: str) -> None:
    url, content = f"{bucket}/a/b.bin", bytes(100_000)
    faulty.fail(action)
    files.write_whole(url, content)
    faulty.fail(action, times=2)
    assert files.read_file(url) == content
