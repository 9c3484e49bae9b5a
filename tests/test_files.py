"""Files behind URLs, on a real S3 server, with and without faults."""

import io
import sys
import tarfile
from pathlib import Path

import pytest

from pipebench import files
from pipebench.files import Listed, Range, why
from tests.faulty_proxy import PASSING, FaultyProxy
from tests.seaweed import KEY, SECRET, settings

ODD = "ü %20#?\"'+&=/x y.jpg"
"""A name with what URLs give a meaning to."""
MB = 2**20


def test_whole_files_and_ranges(bucket: str) -> None:
    url, content = f"{bucket}/a/b.bin", bytes(range(256))
    files.write_whole(url, content)
    assert files.read_file(url) == content
    asked = [Range(url, 3, 4), Range(url, 0, 0), Range(url, 250, 6)]
    assert files.read_ranges(asked) == [content[3:7], b"", content[250:]]


@pytest.mark.parametrize("size", [0, 1, 8 * MB, 8 * MB + 1, 19 * MB])
def test_files_of_any_size(bucket: str, tmp_path: Path, size: int) -> None:
    content = bytes(1000) + b"x" * (size - 1000) if size > 1000 else b"y" * size
    (tmp_path / "file").write_bytes(content)
    files.put_files([(tmp_path / "file", f"{bucket}/file")])
    assert files.read_file(f"{bucket}/file") == content
    assert files.sizes([f"{bucket}/file", f"{bucket}/none"]) == [size, None]


def test_names_that_mean_something_in_urls(bucket: str) -> None:
    files.write_whole(f"{bucket}/a/{ODD}", b"odd")
    assert files.read_file(f"{bucket}/a/{ODD}") == b"odd"
    assert [found.name for found in files.objects(f"{bucket}/a")] == [ODD]
    assert list(files.names(f"{bucket}/a")) == [ODD.partition("/")[0]]
    files.remove(f"{bucket}/a/{ODD}")
    assert not files.exists(f"{bucket}/a")


def test_folders_are_listed(bucket: str) -> None:
    for name in ("a/1", "a/b/2", "a/b/c/3", "ab/4", ".hidden/5"):
        files.write_whole(f"{bucket}/{name}", name.encode())
    assert sorted(found[:2] for found in files.objects(f"{bucket}/a")) == [("1", 3), ("b/2", 5), ("b/c/3", 7)]
    assert len(list(files.objects(bucket))) == 5
    assert list(files.names(bucket)) == [".hidden", "a", "ab"]
    assert list(files.names(f"{bucket}/a/")) == ["1", "b"]
    assert list(files.names(f"{bucket}/none")) == []
    assert (files.exists(f"{bucket}/a/b"), files.exists(f"{bucket}/a/1")) == (True, True)
    assert not files.exists(f"{bucket}/a/2")


def test_a_file_that_was_written_again_has_another_stamp(bucket: str) -> None:
    files.write_whole(f"{bucket}/a", b"1")
    [before] = files.objects(bucket)
    files.write_whole(f"{bucket}/a", b"2")
    [after] = files.objects(bucket)
    assert before == Listed("a", 1, before.stamp)
    assert before.stamp != after.stamp


def test_folders_that_became_empty_are_none(bucket: str) -> None:
    for name in ("a/.work/x", "a/b/c", "a/d"):
        files.write_whole(f"{bucket}/{name}", b"")
    files.remove_below(f"{bucket}/a/.work")
    files.remove_below(f"{bucket}/a/b")
    assert list(files.names(f"{bucket}/a")) == ["d"]


def test_long_listings_go_on_where_they_were_cut_off(
    bucket: str, faulty: FaultyProxy, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    wanted = [f"{number:04d}" for number in range(1500)]
    files.put_files([(tmp_path / "empty", f"{bucket}/many/{name}") for name in wanted])
    for action in ("500", "reset in body", "cut short"):
        faulty.fail(action, target="list-type=2.*0999")
        assert sorted(found.name for found in files.objects(f"{bucket}/many")) == wanted


@pytest.mark.parametrize("action", PASSING)
def test_what_passes_is_tried_again(bucket: str, faulty: FaultyProxy, action: str) -> None:
    url, content = f"{bucket}/a/b.bin", bytes(100_000)
    faulty.fail(action)
    files.write_whole(url, content)
    faulty.fail(action, times=2)
    assert files.read_file(url) == content
    faulty.fail(action, "HEAD")
    assert files.sizes([url]) == [100_000]
    faulty.fail(action, "DELETE")
    files.remove(url)
    assert not files.exists(url)


def test_many_ranges_through_many_faults(bucket: str, faulty: FaultyProxy) -> None:
    contents = [bytes([number]) * 200_000 for number in range(40)]
    for number, content in enumerate(contents):
        files.write_whole(f"{bucket}/{number}", content)
    faulty.fail_every(3, *PASSING)
    read = files.read_ranges([Range(f"{bucket}/{number}", 5, 190_000) for number in range(40)])
    assert read == [content[5:190_005] for content in contents]


def test_a_request_that_hangs_is_made_again(bucket: str, faulty: FaultyProxy) -> None:
    files.write_whole(f"{bucket}/a", b"content")
    faulty.fail("hang")
    assert files.read_file(f"{bucket}/a") == b"content"


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("500", r"the storage answered 500 \(tried \d+ times in \d s\)"),
        ("503", r"the storage answered 503 SlowDown \(tried \d+ times in \d s\)"),
        ("429", r"the storage answered 429 \(tried \d+ times in \d s\)"),
        ("reset", r"the connection was reset \(tried \d+ times in \d s\)"),
        ("reset in body", r"the connection (was reset|broke off) \(tried \d+ times in \d s\)"),
        ("cut short", r"the connection broke off \(tried \d+ times in \d s\)"),
        ("hang", r"no answer in time \(tried 3 times in \d s\)"),
        ("quote", "the storage answered 400"),
    ],
)
def test_what_lasts_is_one_sentence(bucket: str, faulty: FaultyProxy, action: str, says: str) -> None:
    files.write_whole(f"{bucket}/a", bytes(1000))
    faulty.fail(action, times=1000)
    with pytest.raises(OSError, match=says) as caught:
        files.read_file(f"{bucket}/a")
    assert caught.value.filename == f"{bucket}/a"
    said = repr(caught.value) + why(caught.value)
    assert not any(secret in said for secret in (KEY, SECRET, "Signature", "AWS4"))


def test_the_first_failure_ends_those_beside_it(bucket: str, faulty: FaultyProxy) -> None:
    """The one that can't be mended is told, and nobody waits for the others' patience."""
    files.write_whole(f"{bucket}/1", b"x")
    faulty.fail("500", target="/1$", times=10**6)
    with pytest.raises(FileNotFoundError):
        files.read_ranges([Range(f"{bucket}/0", 0, 1), Range(f"{bucket}/1", 0, 1)])


def test_what_is_missing_or_forbidden(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_whole(f"{bucket}/a", b"12345")
    with pytest.raises(FileNotFoundError, match="there is no such object"):
        files.read_file(f"{bucket}/b")
    with pytest.raises(FileNotFoundError, match="there is no such bucket"):
        files.read_file("s3://bucket-without/b")
    with pytest.raises(OSError, match="it ends at byte 5, before byte 9"):
        files.read_ranges([Range(f"{bucket}/a", 3, 6)])
    with pytest.raises(OSError, match="the storage answered 416"):
        files.read_ranges([Range(f"{bucket}/a", 7, 6)])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another/secret")
    with pytest.raises(PermissionError, match="access is denied: the storage answered 403 SignatureDoesNotM"):
        files.read_file(f"{bucket}/a")
    with pytest.raises(PermissionError, match="access is denied"):
        list(files.objects(bucket))


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings("http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIPEBENCH_STORAGE_PATIENCE", "0.01")
    with pytest.raises(OSError, match=r"the connection was refused \(tried once\)"):
        files.read_file("s3://bucket/a")


def test_credentials_do_not_belong_in_a_url() -> None:
    with pytest.raises(OSError, match="a URL is no place for credentials") as caught:
        files.read_file(f"s3://{KEY}:planted@bucket/a")
    assert "planted" not in repr(caught.value)


def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipebench.remote.routing.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ImportError, match=r"^pip install 'pipebench\[s3\]'$"):
        files.read_file("s3://bucket/a")
    with pytest.raises(OSError, match="nobody here knows the protocol foo://"):
        files.read_file("foo://bucket/a")


def test_tars_and_tables_are_read_at_any_place(bucket: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for number in range(5):
            info = tarfile.TarInfo(str(number))
            info.size = 3 * MB
            tar.addfile(info, io.BytesIO(bytes([number]) * info.size))
    files.write_whole(f"{bucket}/tar", archive.getvalue())
    with files.open_random(f"{bucket}/tar", 1000) as file, tarfile.open(fileobj=file) as tar:
        last = tar.extractfile("4")
        assert last is not None
        assert last.read() == bytes([4]) * 3 * MB
        assert (file.seek(-3, 2), file.read(10)) == (len(archive.getvalue()) - 3, bytes(3))


@pytest.mark.parametrize("place", ["local", "remote"])
def test_a_file_appears_when_it_is_complete(bucket: str, tmp_path: Path, place: str) -> None:
    folder = {"local": str(tmp_path / "new"), "remote": bucket}[place]
    (tmp_path / "new").mkdir()
    with files.created(f"{folder}/a") as file:
        file.write(b"content")
        assert not files.exists(f"{folder}/a")
    assert files.read_file(f"{folder}/a") == b"content"
    with pytest.raises(KeyError), files.created(f"{folder}/b") as file:
        file.write(b"content")
        raise KeyError
    assert list(files.names(folder)) == ["a"]


def test_other_storage_goes_through_fsspec() -> None:
    root = "memory://test_files"
    files.write_whole(f"{root}/a/b", b"content")
    files.write_whole(f"{root}/c", bytes(9 * MB))
    assert files.read_file(f"{root}/a/b") == b"content"
    assert len(files.read_file(f"{root}/c")) == 9 * MB
    assert files.read_ranges([Range(f"{root}/a/b", 2, 3), Range(f"{root}/c", 0, 1)]) == [b"nte", b"\0"]
    assert sorted(found[:2] for found in files.objects(root)) == [("a/b", 7), ("c", 9 * MB)]
    assert (list(files.names(root)), list(files.names(f"{root}/none"))) == (["a", "c"], [])
    with pytest.raises(FileNotFoundError):
        files.read_file(f"{root}/none")
    files.remove_below(root)
    files.remove(f"{root}/a/b")
    assert list(files.objects(root)) == []
