"""Other settings, and other loaders, each tried against the pipeline as it is."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipebench import machine, registry
from pipebench.contract import LoaderFactory
from pipebench.dataset import open_dataset
from pipebench.diagnosis.confirm import SECONDS, paired
from pipebench.diagnosis.phases import Bench, Phase
from pipebench.diagnosis.session import Session
from pipebench.results import CEILING, TrialSpec
from pipebench.stats import Interval
from pipebench.trial import PRESETS

MOST = 6
_FIRST_BLOCK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One setting, and what it brought."""

    options: str
    """As a command takes it: `workers=4`, or `--batch-size 128`."""
    gain: Interval
    """Rate, over the pipeline as it is in the same block."""
    blocks: int


def try_settings(session: Session, bench: Bench) -> Iterator[Try]:
    """Round after round while time lasts; the best first."""
    if bench.is_own:
        return
    settings = session.of(Phase.WARM)[0].settings
    candidates = dict(list(_candidates(bench, settings))[:MOST])
    block, round_ = _FIRST_BLOCK, 0
    while candidates and session.allows() and round_ < 3:
        base_record = session.attempt(bench.whole, replace(bench.spec, seconds=SECONDS), block)
        for note, spec in list(candidates.items()):
            if not session.allows():
                break
            tried = session.attempt(Phase.TRIED, replace(spec, seconds=SECONDS), block, note)
            if tried.status != "ok" or base_record.status != "ok":
                candidates.pop(note)
        block, round_ = block + 1, round_ + 1
    found = [found for note in candidates if (found := _try(session, bench, note)) is not None]
    yield from sorted(found, key=lambda one: -one.gain.estimate)


def _candidates(bench: Bench, settings: Mapping[str, Any]) -> Iterator[tuple[str, TrialSpec]]:
    """The best known settings; knobs that are numbers, doubled; larger batches; and other loaders."""
    if bench.spec.options.get("preset", PRESETS[0]) != PRESETS[0]:
        yield f"preset={PRESETS[0]}", bench.with_options({"preset": PRESETS[0]})
    for name, value in settings.items():
        for changed in _changed(value):
            yield f"{name}={changed}", bench.with_options({name: changed})
    size = 2 * bench.spec.batch_size
    yield f"--batch-size {size}", replace(bench.spec, batch_size=size)
    for name in _other_loaders(bench):
        spec = replace(bench.spec, loader=name, options={}, source="", python=sys.executable)
        yield f"--loader {name}", spec


def _other_loaders(bench: Bench) -> list[str]:
    of_format = open_dataset(bench.spec.data).format
    return [name for name in loaders_of(of_format) if name != bench.spec.loader]


def loaders_of(of_format: str) -> list[str]:
    """Registered loaders that read the format, and whose libraries are here."""
    names = [name for name in registry.names(registry.LOADERS) if name != CEILING]
    return [name for name in names if _can_run(registry.loader(name), of_format)]


def _can_run(factory: LoaderFactory, of_format: str) -> bool:
    libraries = factory.libraries
    return of_format in factory.formats and len(machine.versions(libraries)) == len(libraries)


def _changed(value: Any) -> list[str]:
    if type(value) is int and 0 < value <= 64:
        return [str(2 * value)]
    return []


def _try(session: Session, bench: Bench, note: str) -> Try | None:
    gain = paired(
        session.of(Phase.TRIED, note), session.of(bench.whole), least=1, boundaries=bench.meets_storage
    )
    return None if gain is None else Try(options=note, gain=gain.ratio, blocks=gain.blocks)
