"""`pipebench data ...`: makes, indexes and describes datasets. Heavy modules are imported when run."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipebench.errors import BadInput

if TYPE_CHECKING:
    from pipebench.dataset import Dataset


class DataCommand:
    """The command `data` with its subcommands, as the command line asks it."""

    help = "synthesise, import, shard and describe datasets"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(metavar="ACTION", required=True)
        for add in (_add_synth, _add_import, _add_shard, _add_info):
            add(actions)

    @staticmethod
    def run(args: argparse.Namespace) -> int:
        summary: dict[str, Any] = args.action(args)
        print(json.dumps(summary, ensure_ascii=False) if args.json else _text(summary))
        return 0


def _add(actions: Any, name: str, action: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(action=action)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, metavar="W", help="processes (default: the cores at hand)")


def _workers(args: argparse.Namespace) -> int:
    from ._processes import default_workers

    if args.workers is not None and args.workers < 1:
        raise BadInput(f"workers must be at least 1, not {args.workers}")
    return args.workers or default_workers()


def _add_synth(actions: Any) -> None:
    parser = _add(actions, "synth", _synth, "write a folder of synthetic photographs")
    parser.add_argument("folder", metavar="DIR", help="a new or empty folder")
    parser.add_argument("--samples", type=int, required=True, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same bytes (default: 0)")
    parser.add_argument("--classes", type=int, default=10, metavar="C", help="default: 10")
    parser.add_argument("--mean-bytes", default="110000", metavar="B", help="of an image; default: 110000")
    _add_workers(parser)


def _synth(args: argparse.Namespace) -> dict[str, Any]:
    from ._sizes import parse_size
    from .synth import Synthesis, synthesise

    synthesis = Synthesis(
        samples=args.samples,
        seed=args.seed,
        classes=args.classes,
        mean_bytes=parse_size(args.mean_bytes, "mean bytes"),
    )
    return _summary(synthesise(Path(args.folder), synthesis, _workers(args)))


def _add_import(actions: Any) -> None:
    parser = _add(actions, "import", _import, "index a class-per-folder tree or tar shards, in place")
    parser.add_argument("source", metavar="SRC", help="a folder of class folders, or of WebDataset tars")
    parser.add_argument("--out", metavar="DIR", help="where the index goes (default: into SRC)")
    parser.add_argument("--skip-bad", action="store_true", help="leave out samples that cannot be decoded")
    parser.add_argument("--kind", default="image", metavar="K", help="what a sample is (default: image)")
    _add_workers(parser)


def _import(args: argparse.Namespace) -> dict[str, Any]:
    from .importer import Import, import_dataset

    out = Path(args.out) if args.out is not None else None
    task = Import(source=Path(args.source), out=out, skip_bad=args.skip_bad, kind=args.kind)
    imported = import_dataset(task, _workers(args))
    aside = {"skipped": list(imported.skipped), "ignored": dict(imported.ignored)}
    return _summary(imported.dataset) | aside


def _add_shard(actions: Any) -> None:
    parser = _add(actions, "shard", _shard, "write a dataset's samples as shards, payloads verbatim")
    parser.add_argument("source", metavar="SRC", help="a dataset's folder")
    parser.add_argument("folder", metavar="DST", help="a new or empty folder")
    parser.add_argument("--format", required=True, metavar="F", help="wds: WebDataset tars")
    parser.add_argument("--shard-size", metavar="B", help="largest shard, such as 256MB")
    parser.add_argument("--shard-samples", type=int, metavar="N", help="samples a shard, instead of a size")
    _add_workers(parser)


def _shard(args: argparse.Namespace) -> dict[str, Any]:
    from pipebench.dataset import open_dataset

    from ._sizes import parse_size
    from .shard import Sharding, shard_dataset

    sharding = Sharding(
        format=args.format,
        shard_bytes=parse_size(args.shard_size, "shard size") if args.shard_size else None,
        shard_samples=args.shard_samples,
    )
    source = open_dataset(args.source)
    return _summary(shard_dataset(source, Path(args.folder), sharding, _workers(args)))


def _add_info(actions: Any) -> None:
    parser = _add(actions, "info", _info, "describe a dataset")
    parser.add_argument("dataset", metavar="D", help="the dataset's folder or URL")


def _info(args: argparse.Namespace) -> dict[str, Any]:
    from pipebench.dataset import open_dataset

    return _summary(open_dataset(args.dataset))


def _summary(dataset: "Dataset") -> dict[str, Any]:
    return {
        "url": dataset.url,
        "root": dataset.root,
        "kind": dataset.kind,
        "format": dataset.format,
        "samples": dataset.samples,
        "classes": len(dataset.classes),
        "payload_bytes": dataset.payload_bytes,
        "mean_bytes": round(dataset.payload_bytes / dataset.samples),
        "shards": len(dataset.shards),
        "content_id": dataset.content_id,
        "made": dict(dataset.made),
    }


def _text(summary: dict[str, Any]) -> str:
    width = max(map(len, summary)) + 2
    return "\n".join(f"{name.replace('_', ' '):{width}}{_plain(value)}" for name, value in summary.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return f"{len(value)}: {', '.join(value)}" if value else "none"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)
