"""`pipebench ab`: versions of a loader, interleaved in one run on one host, against the first of them."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipebench.commands._indexed import indexed
from pipebench.commands._measuring import add_measuring, add_workload, common, measure, out_file
from pipebench.commands._output import add_output, exit_code, shape_of
from pipebench.errors import BadInput

if TYPE_CHECKING:
    from pipebench.plan import Request
    from pipebench.report.show import Shape
    from pipebench.results import Record

EXAMPLE = """\
examples:
  pipebench ab main=fastload@venvs/main pr=fastload@venvs/pr --data D --max-time 8m
  pipebench ab four=dali:prefetch=4 two=dali:prefetch=2 --data D --fail-slower 3%
  pipebench ab main=plain:Plain@../base pr=plain:Plain@. --data D --format markdown >> $GITHUB_STEP_SUMMARY

LOADER is NAME[@WHERE][:setting=value,...]. WHERE is an interpreter, an environment's folder, or for a NAME
of the form module:Class the folder that holds the module: a branch that is checked out somewhere else.

exit codes: 0 no slow-down is shown, 1 one is, 2 bad input, 3 some trial did not end ok
"""
PRECISION = "2%"
"""To which ratios are measured where nothing else is asked for."""


class AbCommand:
    """The command `ab`, as the command line asks it."""

    help = "compare versions of a loader within one run; fails on a proved slow-down"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        about = "two or more, each LABEL=LOADER; the first is what the others are compared with"
        parser.add_argument("versions", nargs="+", metavar="LABEL=LOADER", help=about)
        parser.add_argument(
            "--data", required=True, metavar="D", help="a dataset, or a folder that 'data import' can index"
        )
        add_workload(parser)
        add_measuring(parser, trials=None, about="default: until --precision, then 2%%")
        add_output(
            parser, fails_slower="fail only on what is slower by more than P, such as 3%% (default: at all)"
        )

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.plan import make_plan, parse_labelled

        choices = [parse_labelled(text) for text in args.versions]
        if len(choices) < 2:
            raise BadInput("name at least two versions, such as main=dali@venvA pr=dali@venvB")
        shape, out = shape_of(args, default_limit=0.0), out_file(args)
        plan = make_plan(_request(args), choices)
        records = measure(plan, out, redact=args.redact)
        return _compare(records, choices[0].text, "this run" if args.redact else out.name, shape)


def _request(args: argparse.Namespace) -> "Request":
    from dataclasses import replace

    from pipebench.options import parse_share

    asked = replace(common(args), data=(indexed(args.data, redact=args.redact),))
    if args.trials is not None:
        return replace(asked, trials=args.trials)
    return replace(asked, precision=asked.precision or parse_share(PRECISION, "--precision"))


def _compare(records: "Sequence[Record]", baseline: str, name: str, shape: "Shape") -> int:
    from pipebench.conditions import ASPECTS
    from pipebench.contest import Terms, contest
    from pipebench.figures import figures
    from pipebench.report.show import show
    from pipebench.series import Session, series_of

    session = Session(number=0, name=name, run=records[0].run, blocks=True)
    # What differs within one run withholds the verdict, and must not hide what was measured.
    terms = Terms(baseline=baseline, across=frozenset(ASPECTS))
    lines = contest(series_of(session, records, figures), terms)
    show(lines, terms, shape, _versions(records))
    code = exit_code(lines, shape.threshold)
    return code or (3 if any(line.series.status != "ok" for line in lines) else 0)


def _versions(records: "Sequence[Record]") -> list[str]:
    """What each label stands for."""
    from pipebench.results import CEILING

    specs = {record.contestant: record.spec for record in records if record.spec.loader != CEILING}
    several = len({spec.python for spec in specs.values()}) > 1
    told = []
    for label, spec in specs.items():
        settings = ",".join(f"{key}={value}" for key, value in spec.options.items())
        parts = [f"{label}: {spec.loader}{f':{settings}' if settings else ''}"]
        parts += [f"under {spec.python}"] * several + [f"from {spec.source}"] * bool(spec.source)
        told.append(", ".join(parts))
    return told
