"""`pipebench data ...`: makes, indexes and describes datasets. Heavy modules are imported when run."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipebench.errors import BadInput
from pipebench.progress import add_quiet
from pipebench.report.prose import folded, width

from ._examples import EXAMPLES

if TYPE_CHECKING:
    from pipebench.dataset import Dataset

    from .scanning.source_files import Reading
    from .sharding.options import Sharding


class DataCommand:
    """The command `data` with its subcommands, as the command line asks it."""

    help = "synthesise, import, shard, verify and describe datasets"

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(metavar="ACTION", required=True)
        for add in (_add_synth, _add_import, _add_shard, _add_verify, _add_info):
            add(actions)

    @staticmethod
    def run(args: argparse.Namespace) -> int:
        summary: dict[str, Any] | int = args.action(args)
        if isinstance(summary, int):
            return summary
        print(json.dumps(summary, ensure_ascii=False) if args.json else _text(summary))
        return 0


def _add(actions: Any, name: str, action: Any, text: str) -> argparse.ArgumentParser:
    about = f"{text[0].upper()}{text[1:]}."
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=about)
    parser.set_defaults(action=action)
    parser.epilog = EXAMPLES[name]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_quiet(parser)
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
    parser.add_argument("--samples", type=int, required=True, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same bytes (default: 0)")
    parser.add_argument("--classes", type=int, default=10, metavar="C", help="class folders (default: 10)")
    parser.add_argument("--mean-bytes", default="110000", metavar="B", help="of an image (default: 110000)")
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
    parser = _add(actions, "import", _import, "index class folders, tar shards or Parquet files, in place")
    parser.add_argument("source", metavar="SRC", help="a folder of class folders, WebDataset tars or Parquet")
    parser.add_argument("--out", metavar="DIR", help="where the index goes (default: into SRC)")
    parser.add_argument("--skip-bad", action="store_true", help="leave out samples that cannot be decoded")
    parser.add_argument("--kind", default="image", metavar="K", help="what a sample is (default: image)")
    _add_reading(parser)
    _add_workers(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """How samples are told where there is no index."""
    parser.add_argument("--payload", metavar="FIELD", help="the file of each sample that is its payload")
    parser.add_argument("--column", metavar="NAME", help="Parquet's column of payloads, if there are several")
    parser.add_argument("--label", metavar="NAME", help="Parquet's column of labels (default: label or cls)")
    parser.add_argument("--allow-large", action="store_true", help="take images above 178 megapixels too")


def _reading(args: argparse.Namespace) -> "Reading":
    from .scanning.source_files import Reading

    payload = args.payload.lower().removeprefix(".") if args.payload else None
    return Reading(payload=payload, column=args.column, label=args.label)


def _import(args: argparse.Namespace) -> dict[str, Any]:
    from .importer import Import, import_dataset

    task = Import(
        source=args.source,
        out=args.out,
        skip_bad=args.skip_bad,
        allow_large=args.allow_large,
        kind=args.kind,
        reading=_reading(args),
    )
    imported = import_dataset(task, _workers(args))
    aside = {"skipped": list(imported.skipped), "ignored": dict(imported.ignored)}
    told = {"extras": dict(imported.extras)} | aside | {"advice": list(imported.advice)}
    return _summary(imported.dataset) | told


def _add_shard(actions: Any) -> None:
    parser = _add(actions, "shard", _shard, "write samples as shards or class folders, payloads verbatim")
    parser.add_argument("source", metavar="SRC", help="a dataset, or a folder of images, tars or Parquet")
    parser.add_argument("target", metavar="DST", help="a new or empty folder")
    parser.add_argument("--format", required=True, metavar="F", help="wds, parquet or folder")
    parser.add_argument("--shard-size", metavar="B", help="largest shard, such as 256MB")
    parser.add_argument("--shard-samples", type=int, metavar="N", help="samples a shard, instead of a size")
    parser.add_argument("--shuffle", action="store_true", help="write the samples in a random order")
    parser.add_argument("--seed", type=int, metavar="S", help="of that order and of the split (default: 0)")
    parser.add_argument("--split", metavar="NAME=F,...", help="several datasets, as train=0.9,val=0.1")
    parser.add_argument("--resume", action="store_true", help="finish what was cut short")
    parser.add_argument("--kind", default="image", metavar="K", help="what a sample is (default: image)")
    _add_reading(parser)
    _add_workers(parser)


def _shard(args: argparse.Namespace) -> dict[str, Any]:
    from pipebench.files import shown

    from .shard import shard_dataset

    workers = _workers(args)
    done = shard_dataset(
        args.source,
        args.target,
        _sharding(args),
        workers,
        resume=args.resume,
        kind=args.kind,
        reading=_reading(args),
        allow_large=args.allow_large,
    )
    advice = {"advice": list(done.advice)}
    if not args.split:
        return _summary(done.dataset) | advice
    splits = {name: _summary(dataset) for name, dataset in done.datasets.items()}
    return {"url": shown(args.target), "splits": splits} | advice


def _sharding(args: argparse.Namespace) -> "Sharding":
    from ._sizes import parse_size
    from .catalogue.splits import parse_shares
    from .sharding.options import Sharding

    if args.seed is not None and not (args.shuffle or args.split):
        raise BadInput(
            "a seed decides nothing without --shuffle or --split; give one of them, or leave it out"
        )
    return Sharding(
        format=args.format,
        shard_bytes=parse_size(args.shard_size, "shard size") if args.shard_size else None,
        shard_samples=args.shard_samples,
        shuffle=args.shuffle,
        seed=args.seed or 0,
        split=parse_shares(args.split) if args.split else (),
    )


def _add_verify(actions: Any) -> None:
    from .verifying.command import add_arguments

    parser = _add(actions, "verify", _verify, "prove that a dataset is what its description says")
    add_arguments(parser)
    _add_workers(parser)


def _verify(args: argparse.Namespace) -> int:
    from .verify import Verification, Verifier
    from .verifying.command import show

    task = Verification(
        url=args.dataset, full=args.full, allow_large=args.allow_large, workers=_workers(args)
    )
    return show(Verifier(task), as_json=args.json, full=args.full)


def _add_info(actions: Any) -> None:
    parser = _add(actions, "info", _info, "describe a dataset")
    parser.add_argument("dataset", metavar="D", help="the dataset's folder or URL")


def _info(args: argparse.Namespace) -> dict[str, Any]:
    from pipebench.dataset import open_dataset

    return _summary(open_dataset(args.dataset))


def _summary(dataset: "Dataset") -> dict[str, Any]:
    from pipebench.files import shown

    return {
        "url": shown(dataset.url),
        "root": shown(dataset.root),
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


def _history(made: Any) -> str:
    """How a dataset was made, and of what: `shard (shard samples: 128) of synth (samples: 2 000)`."""
    steps = []
    while isinstance(made, dict) and made:
        told = ", ".join(
            name.replace("_", " ") if value is True else f"{name.replace('_', ' ')}: {_plain(value)}"
            for name, value in made.items()
            if name not in ("command", "source") and value
        )
        steps.append(f"{made.get('command', '?')} ({told})" if told else str(made.get("command", "?")))
        made = made.get("source")
    return " of ".join(steps) or "unknown"


def _text(summary: dict[str, Any]) -> str:
    splits = summary.get("splits", {})
    blocks = [_block({"split": name} | split) for name, split in splits.items()]
    return "\n\n".join([*blocks, _block({name: summary[name] for name in summary if name != "splits"})])


def _block(summary: dict[str, Any]) -> str:
    longest = max(map(len, summary)) + 2
    texts = {name: _history(value) if name == "made" else _plain(value) for name, value in summary.items()}
    lines = [f"{name.replace('_', ' '):{longest}}{text}" for name, text in texts.items()]
    return "\n".join(folded(lines, width(), hang=longest))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return f"{len(value)}: {', '.join(value)}" if value else "none"
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)
