"""`pipebench crossover`: the accelerator at which each loader becomes the chokepoint."""

import argparse
from typing import TYPE_CHECKING

from pipebench.commands._sweeping import add_sweeping, check_none_measured, sweep

if TYPE_CHECKING:
    from pipebench.seen import Seen
    from pipebench.targets import Target

EXAMPLE = """\
examples:
  pipebench crossover --data D --loader webdataset --loader dali
  pipebench crossover --data D --loader dali:prefetch=4 --trials 10 --max-time 30m
  PIPEBENCH_ACCELERATORS=mine.csv pipebench crossover --data D --json

It measures each loader at ten emulated rates about its own, says up to which rate 95 % and 90 % of an
accelerator are used, and then tries one rate that it predicted before. About 4 minutes a loader.

exit codes: 0 all loaders were measured, 2 bad input, 3 some loader was not
"""


class CrossoverCommand:
    """The command `crossover`, as the command line asks it."""

    help = "find the accelerator speed at which a loader becomes the chokepoint"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        add_sweeping(parser)
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def run(self, args: argparse.Namespace) -> int:
        from pipebench.crossover_answer import answer
        from pipebench.report.crossover_text import as_json, render
        from pipebench.report.plain_json import dumps
        from pipebench.report.prose import complain, width

        swept = sweep(args, _to_try)
        check_none_measured(swept)
        answers = [answer(seen, swept.fitting, swept.floor) for seen in swept.seen]
        if args.json:
            print(dumps(as_json(answers)))
        else:
            print("\n".join(render(one, width()) for one in answers), end="")
            print("\nIntervals hold for this session on this host only.")
        for name, why in swept.missing.items():
            complain(f"{name} could not be measured: {why}")
        return 3 if swept.missing else 0


def _to_try(seen: "Seen", fitting: "list[Target]") -> list[str]:
    """A step that was not measured: a profile's if one lies in the sweep."""
    from pipebench.crossover import Predictor, unmeasured_rate
    from pipebench.profile_step import step_of
    from pipebench.sweep import step

    profiles = {rate: profile for target in fitting for profile, rate in target.rates}
    rate = unmeasured_rate(Predictor(seen), list(profiles))
    return [step_of(profiles[rate]) if rate in profiles else step(rate)]
