"""`pipebench list`: what can be named on the command line."""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from pipebench.progress import add_quiet, pulse
from pipebench.report.prose import folded, width

EXAMPLE = """\
examples:
  pipebench list                the loaders, with what they read and need
  pipebench list models         what '--step model:NAME' can name
  pipebench list formats --json
"""


class ListCommand:
    """The command `list`, as the command line asks it."""

    help = "show the loaders, formats, kinds, steps, models or accelerators that can be named"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        about = "what to list (default: loaders)"
        parser.add_argument("what", nargs="?", choices=sorted(_TABLES), default="loaders", help=about)
        parser.add_argument("--json", action="store_true", help="print as JSON")
        add_quiet(parser)

    def run(self, args: argparse.Namespace) -> int:
        with pulse(lambda: f"looking for {args.what}"):
            rows = _TABLES[args.what]()
        if args.json:
            print(json.dumps(rows, ensure_ascii=False, indent=1))
            return 0
        if args.what == "accelerators":
            return _print_accelerators()
        longest = max((len(row["name"]) for row in rows), default=0)
        lines = [f"{row['name']:<{longest}}  {row.get('about', '')}".rstrip() for row in rows]
        print("\n".join(folded(lines, width(), hang=longest + 2)))
        return 0


def _loaders() -> list[Mapping[str, Any]]:
    from pipebench import registry

    rows: list[Mapping[str, Any]] = []
    for name in registry.names(registry.LOADERS):
        entry = registry.entry(registry.LOADERS, name)
        factory = registry.loader(name)
        rows.append(
            {
                "name": name,
                "about": f"reads {', '.join(sorted(factory.formats))}; needs {', '.join(factory.libraries)}",
                "formats": sorted(factory.formats),
                "libraries": list(factory.libraries),
                "from": entry.value,
            }
        )
    return rows


def _formats() -> list[Mapping[str, Any]]:
    readers: dict[str, list[str]] = {}
    for row in _loaders():
        for name in row["formats"]:
            readers.setdefault(name, []).append(row["name"])
    return [{"name": n, "about": f"read by {', '.join(r)}", "readers": r} for n, r in sorted(readers.items())]


def _kinds() -> list[Mapping[str, Any]]:
    from pipebench import registry

    return [{"name": name} for name in registry.names(registry.KINDS)]


def _steps() -> list[Mapping[str, Any]]:
    from pipebench.step import HELP

    return [{"name": name, "about": about} for name, about in HELP.items()]


def _models() -> list[Mapping[str, Any]]:
    from pipebench import registry
    from pipebench.kinds import kind

    names = {name for each in registry.names(registry.KINDS) for name in kind(each).models()}
    return [{"name": name} for name in sorted(names)]


def _accelerators() -> list[Mapping[str, Any]]:
    from dataclasses import asdict

    from pipebench.accelerators import NOT_VALIDATED, profiles

    def standing(tier: str) -> str:
        return "a user's own figure" if tier == "measured" else NOT_VALIDATED

    return [
        asdict(profile)
        | {
            "name": f"{profile.model}@{profile.accelerator}",
            "family": profile.family,
            "kind": profile.kind,
            "samples_per_second": profile.samples_per_second,
            "standing": standing(profile.tier),
        }
        for profile in profiles()
    ]


def _print_accelerators() -> int:
    from pipebench.accelerators import profiles
    from pipebench.report.profile_list import render

    print(render(profiles()), end="")
    return 0


_TABLES: dict[str, Callable[[], list[Mapping[str, Any]]]] = {
    "loaders": _loaders,
    "formats": _formats,
    "kinds": _kinds,
    "steps": _steps,
    "models": _models,
    "accelerators": _accelerators,
}
