"""Holds the predictions of `crossover` against what is measured at eight step rates that they don't see.

    python bench/crossover_holdout.py --data D [--after] [--loader L]... [--trials 3] [--out r.jsonl]

Options are those of `pipebench crossover`. Without a loader: torch_dataloader as it is, with bursts, with
gaps at the ends of epochs, and with both. The eight run in the sweep's own blocks, in turn with the rates
that predictions are made from, so that both meet the host at the same pace. With `--after` they run when
the sweep has ended, as a step does that is bought later. Hosts change their speed from trial to trial: each
prediction stands there twice, as it was made, and for the pace that the loader had in the trials it is held
against, which its CPU time a sample tells. Exits with 1 unless every one, as it was made, is within 3 points.
"""

import argparse
import sys
from pathlib import Path

from pipebench.commands._sweeping import add_sweeping, check_none_measured, sweep
from pipebench.crossover import AGREE
from pipebench.crossover_answer import Answer, Check, answer
from pipebench.seen import Seen
from pipebench.sweep import step
from pipebench.targets import Target

HELD_OUT = (0.35, 0.62, 0.81, 0.91, 0.99, 1.09, 1.27, 2.2)
"""Of the loader's own rate; none is among the sweep's factors."""
_PLANTED = f"planted_pace:Planted@{Path(__file__).parent}:of=torch_dataloader"
DEFAULT = (
    "torch_dataloader",
    f"{_PLANTED},every=10,burst_ms=300",
    f"{_PLANTED},boundary_ms=400",
    f"{_PLANTED},every=8,burst_ms=200,boundary_ms=300",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_sweeping(parser)
    parser.add_argument("--after", action="store_true", help="run the eight when the sweep has ended")
    args = parser.parse_args()
    args.loader = args.loader or list(DEFAULT)
    swept = sweep(args, _afterwards) if args.after else sweep(args, beside=_held_out)
    check_none_measured(swept)
    answers = [answer(seen, []) for seen in swept.seen]
    for found in answers:
        _print(found)
    return 0 if all(abs(check.off) <= AGREE for found in answers for check in found.checks) else 1


def _held_out(own_rate: float) -> list[str]:
    return [step(own_rate * factor) for factor in HELD_OUT]


def _afterwards(seen: Seen, _: list[Target]) -> list[str]:
    return _held_out(seen.own_rate)


def _print(found: Answer) -> None:
    disturbed = f"; {found.disturbed} disturbed" if found.disturbed else ""
    print(f"\n{found.contestant}: {found.own_rate.estimate:.0f} samples/s, {found.blocks} blocks{disturbed}")
    print("samples/s  predicted       [95 %]  replay      measured    off  pace  at pace    off")
    for check in sorted(found.checks, key=lambda one: one.predicted.rate):
        verdict = "" if abs(check.off) <= AGREE else "  more than 3"
        at_pace = f"  {check.pace:.2f}  {100 * check.at_pace:5.1f} %  {100 * check.off_at_pace:+5.1f}"
        print(_told(check) + at_pace + verdict)


def _told(check: Check) -> str:
    share, replay = check.predicted.share, check.predicted.replayed or (0.0, 0.0)
    bounds, replayed = (
        f"{100 * low:.0f}-{100 * high:.0f}" for low, high in ((share.low, share.high), replay)
    )
    measured = f"{100 * check.measured.estimate:8.1f} %  {100 * check.off:+5.1f}"
    return (
        f"{check.predicted.rate:9.0f}  {100 * share.estimate:8.1f} %  {bounds:>11}  {replayed:>7}  {measured}"
    )


if __name__ == "__main__":
    sys.exit(main())
