"""Where results hold a whole sweep over emulated rates: what `crossover` says of it."""

from collections.abc import Iterator

from pipebench.compare import marked_blocks
from pipebench.crossover import SHARES, Crossing, Predictor
from pipebench.figures import Derive
from pipebench.report.gathered import Entry, Part
from pipebench.results import PROOF_BLOCK
from pipebench.schedule import Contestant
from pipebench.seen import Seen, own_rates, seen
from pipebench.stats import LOOKS
from pipebench.sweep import rates_about, step


def crossings(part: Part, derive: Derive) -> Iterator[str]:
    """Of each contestant with a whole sweep a sentence for each share: up to which rate it is used."""
    for found in swept(part, derive):
        predictor = Predictor(found)
        few = predictor.blocks < min(LOOKS)
        basis = f" (indicative, from {predictor.blocks} blocks)" if few else ""
        for share in SHARES:
            yield f"{found.contestant}: {_told(predictor.crossing(share))}{basis}."


def _told(crossing: Crossing) -> str:
    share = f"{100 * crossing.share:.0f} % of an accelerator is used"
    rate = crossing.rate
    if rate is None:
        return f"{share} at no rate of the sweep"
    return f"{share} up to {rate.estimate:.0f} [{rate.low:.0f}, {rate.high:.0f}] samples/s"


def swept(part: Part, derive: Derive) -> Iterator[Seen]:
    """What a sweep showed of each loader; steps that are not the sweep's own were predicted first."""
    marked = marked_blocks(part.records, derive)
    for name, rate in own_rates(part.records, derive).items():
        planned = set(map(step, rates_about(rate)))
        own = {entry.row.step: entry for entry in part.entries if entry.row.contestant == name}
        samples = _samples(part, name)
        if samples and planned <= own.keys():
            checks = own.keys() - planned - {"null"}
            found = seen(_contestant(own["null"]), part.records, derive, samples, checks, marked)
            if found is not None:
                yield found


def _contestant(entry: Entry) -> Contestant:
    return Contestant(label=entry.row.contestant, specs=(entry.trials[0].record.spec,))


def _samples(part: Part, name: str) -> int | None:
    """Of an epoch, where the proof of work has counted all of them."""
    for record in part.records:
        samples = record.same_work.get("samples")
        own = record.block == PROOF_BLOCK and record.contestant == name
        if own and record.same_work.get("complete") is True and isinstance(samples, int):
            return samples
    return None
