"""Data that nobody has indexed -> a dataset of a bounded part of it. Nothing is written to the data.

No payload is read or checked: what is damaged is met by the loader. `content_id` names what was listed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

import xxhash

from pipebench.dataset import Dataset, Shard, open_dataset, write_dataset
from pipebench.errors import BadInput
from pipebench.files import Listed, is_local, local_path, shown, why
from pipebench.index import make_index
from pipebench.kinds import Kind, kind
from pipebench.sampling.contract import Allowance, Found, ending
from pipebench.sampling.finders import in_folder, in_parquet, in_tar
from pipebench.sampling.listing import listed, taking_turns

KIND = "image"
LOOKED_AT, TELLING = 10_000, 1000
"""Files that are listed to find out the format: so many at most, and of those that hold samples."""
AT_ONCE = 16
"""Shards that take turns, so that a small sample holds several."""
SHARDS = {".tar": "wds", ".parquet": "parquet"}


def sample(url: str, place: Path, max_bytes: int, goes_on: Callable[[int], bool] = lambda _: True) -> Dataset:
    """A dataset of the first samples met, of about so many bytes at most, and while `goes_on(samples)`.

    Its index lies in `place`, a new folder. Raises `BadInput` where nothing is found, or what is there cannot
    be read.
    """
    of_kind = kind(KIND)
    try:
        files = listed(url)
        format_, rest = _format(files, of_kind)
        found = list(Allowance(max_bytes, goes_on).bounded(_samples(url, rest, format_, of_kind)))
    except (OSError, ImportError, ValueError) as error:
        raise BadInput(f"{shown(url)} cannot be read: {why(error)}") from None
    found.sort(key=lambda one: (one.shard, one.row, one.offset))
    if not found:
        raise BadInput(f"no samples were found in {shown(url)}: neither images, nor tars or Parquet with any")
    return _written(url, place, format_, found)


def _format(files: Iterator[Listed], of_kind: Kind) -> tuple[str, Iterator[Listed]]:
    """The format that most bytes of the first files are in, and all files."""
    met, telling, bytes_ = [], 0, Counter({"folder": 0})
    formats = dict.fromkeys(of_kind.suffixes, "folder") | SHARDS
    for file in islice(files, LOOKED_AT):
        met.append(file)
        if (format_ := formats.get(ending(file.name))) is not None:
            bytes_[format_] += file.size
            telling += 1
        if telling == TELLING:
            break
    return bytes_.most_common(1)[0][0], chain(met, files)


def _samples(url: str, files: Iterator[Listed], format_: str, of_kind: Kind) -> Iterator[Found]:
    if format_ == "folder":
        yield from in_folder(files, of_kind)
        return
    finder = in_tar if format_ == "wds" else in_parquet
    shards = (file for file in files if SHARDS.get(ending(file.name)) == format_)
    while some := list(islice(shards, AT_ONCE)):
        yield from taking_turns(finder(url, file, of_kind) for file in some)


def _written(url: str, place: Path, format_: str, found: list[Found]) -> Dataset:
    """Raises `BadInput` where names are not UTF-8."""
    place.mkdir(parents=True)
    shards = list(dict.fromkeys(one.shard for one in found if one.shard))
    classes = sorted({one.label for one in found})
    try:
        index = make_index(
            key=[one.key for one in found],
            member=[one.member for one in found],
            shard=[shards.index(one.shard) if one.shard else -1 for one in found],
            row=[one.row for one in found],
            offset=[one.offset for one in found],
            size=[one.size for one in found],
            label=[classes.index(one.label) for one in found],
            hash=[0] * len(found),
        )
    except UnicodeEncodeError:
        raise BadInput(f"{shown(url)} holds names that are not UTF-8; rename them") from None
    dataset = Dataset(
        url=str(place),
        root=str(Path(local_path(url)).resolve()) if is_local(url) else url,
        kind=KIND,
        format=format_,
        classes=tuple(classes),
        samples=len(found),
        payload_bytes=sum(one.size for one in found),
        content_id=_content(found),
        shards=tuple(_shard(name, found) for name in shards),
        made={"command": "sample"},
    )
    write_dataset(dataset, index)
    return open_dataset(str(place))


def _shard(name: str, found: list[Found]) -> Shard:
    own = [one for one in found if one.shard == name]
    return Shard(name=name, samples=len(own), size=sum(one.size for one in own), sha256=None)


def _content(found: list[Found]) -> str:
    """Names what was listed, since no payload was read."""
    digest = xxhash.xxh3_128()
    for one in found:
        digest.update(f"{one.shard}\0{one.member}\0{one.row}\0{one.size}\0".encode())
    return f"sampled-{digest.hexdigest()}"
