"""The page's sections of figures, in order: what each draws, how it is read, what to do if it is empty."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipebench.report.gathered import Gathered
from pipebench.report.pictures.bars import cpu, first_batch, throughput
from pipebench.report.pictures.curves import device, scaling
from pipebench.report.pictures.maps import maps
from pipebench.report.pictures.model import Picture
from pipebench.report.pictures.stages import stages
from pipebench.report.pictures.waits import waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a section is about."""

    key: str
    title: str
    about: str
    """How it is read."""
    pictures: Callable[[Gathered], Iterator[Picture]]
    missing: str
    """What to run for results that hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A subject of which the results hold something."""

    subject: Subject
    pictures: tuple[Picture, ...]


SUBJECTS: Sequence[Subject] = (
    Subject(
        key="throughput",
        title="Throughput",
        about="Bars are estimates over the undisturbed trials, the lines on them intervals, which hold for "
        "this session on this host only and end in an arrow where they reach farther. The limit is what "
        "decoding alone would reach on these cores.",
        pictures=throughput,
        missing="no trial has a figure",
    ),
    Subject(
        key="first-batch",
        title="Time to the first batch",
        about="From the start of the process: imports and building the loader, then asking for the first "
        "batch until it came. Medians of the trials.",
        pictures=first_batch,
        missing="no trial has a figure",
    ),
    Subject(
        key="cpu",
        title="CPU time for a sample",
        about="Of the whole process tree, within the window that counts; the median trial. User and system "
        "share it as they share the CPU time of the whole loop.",
        pictures=cpu,
        missing="no trial was looked at twice",
    ),
    Subject(
        key="stages",
        title="CPU time by stage",
        about="Each stage is what a loader cut after it costs beyond one that is cut before it: differences "
        "of geometric means with intervals at 90 %, as 'pipebench diagnose' has them.",
        pictures=stages,
        missing="add results of 'pipebench run --until read', and so on, or those of a diagnosis",
    ),
    Subject(
        key="waits",
        title="Data wait",
        about="How long the step waited for each batch: first over time, then which share of the batches "
        "waited no longer. Of each contestant the trial with the median percentiles is drawn; "
        "what is shaded does not count; dotted lines are epochs' beginnings.",
        pictures=waits,
        missing="no trial has a figure",
    ),
    Subject(
        key="scaling",
        title="Scaling with cores",
        about="The same loader on the same work with more cores; the grey line is in proportion to the "
        "fewest cores of the fastest.",
        pictures=scaling,
        missing="add results of 'pipebench run --cores N' with another N",
    ),
    Subject(
        key="utilisation",
        title="Accelerator use and step rate",
        about="How much of its time the device works or idles, for want of a batch; medians of the trials. "
        "A share below twice that of the resident loader cannot be told.",
        pictures=device,
        missing="run with one or several '--step emulate:RATE'",
    ),
    Subject(
        key="map",
        title="Chokepoint map",
        about="Per cent of each accelerator that the loader would keep used, predicted from its sweep, and a "
        "letter for what holds back the fastest; darker is less. 'pipebench map --html' on the same results "
        "tells rates and sources of each cell.",
        pictures=maps,
        missing="add results of 'pipebench map' or 'pipebench crossover'",
    ),
)
"""What else results come to hold joins here as one more subject, and in `sentences.py` with its verdict."""


def sections(gathered: Gathered) -> tuple[list[Section], list[Subject]]:
    """Those that have something to show, and the subjects that have not."""
    found, missing = [], []
    for subject in SUBJECTS:
        pictures = tuple(subject.pictures(gathered))
        if pictures:
            found.append(Section(subject=subject, pictures=pictures))
        else:
            missing.append(subject)
    return found, missing
