"""A whole tar held against the index: every member, its name, its place, its bytes, and nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from ..scanning.source_files import LABEL
from .content import Decode, content_fault, is_label
from .faults import Fault
from .idx import Component, IdxCheck
from .members import BLOCK, DamageError, Member, Members
from .stored import Part, Stored

LABEL_BYTES = 1_000_000
"""A label's member that is larger than this is no label."""
CHUNK = 1 << 20


class Tar(NamedTuple):
    """A tar that is open."""

    name: str
    file: BinaryIO
    size: int
    ours: bool
    """Whether pipebench wrote it, so that it holds nothing that the index doesn't tell."""


@dataclass(slots=True)
class _Open:
    """A sample of which members may still come."""

    sample: Stored
    labelled: bool = False
    components: list[Component] = field(default_factory=list)

    def component(self, member: Member) -> None:
        self.components.append(Component(member.offset, _split(member.name)[1], member.size))

    def is_label(self, member: Member) -> bool:
        stem, ending = _split(member.name)
        return stem == _split(self.sample.payload.member)[0] and ending.lower() == LABEL

    def told(self) -> list[Component] | None:
        """What DALI's index says of it, or None where not all of it was found."""
        complete = self.labelled and len(self.components) == 2 + len(self.sample.extras)
        return self.components if complete else None


class TarCheck:
    """Goes through a tar once, from front to back."""

    def __init__(self, tar: Tar, classes: tuple[str, ...], decode: Decode, idx: IdxCheck | None) -> None:
        self._tar, self._classes, self._decode, self._idx = tar, classes, decode, idx
        self._members = Members(tar.file)
        self._open: list[_Open] = []
        """The sample whose parts are due, and the one before, whose label may follow it."""
        self._found: list[Fault] = []
        self._headless = -1
        """The offset of a part whose header is damaged, which has been told."""
        self._lost = False
        """Whether behind damage no further header was found."""

    def faults(self, samples: Iterable[Stored]) -> Iterator[Fault]:
        """What is wrong; the samples are those of this tar, in the order in which it stores them."""
        if self._idx:
            self._found += self._idx.begin()
        for sample in samples:
            self._open.append(_Open(sample))
            for part in sample.parts():
                self._look_at(part)
            yield from self._drained()
        self._look_at_rest()
        yield from self._drained()

    def _drained(self) -> Iterator[Fault]:
        found, self._found = self._found, []
        return iter(found)

    def _say(self, key: str | None, offset: int | None, text: str) -> None:
        self._found.append(Fault(self._tar.name, key, offset, text))

    def _look_at(self, part: Part) -> None:
        key = self._open[-1].sample.key
        if not part.lies_within(self._tar.size):
            self._say(key, part.offset, f"its {part.what} lies beyond the file's end")
            return
        while (member := self._peek(part)) and member.offset < part.offset:
            self._take_other(member)
        self._close(keep=1)
        if member and member.offset == part.offset:
            self._take(member, part)
        elif part.offset != self._headless:
            self._say(key, part.offset, f"the tar has no member where the index has its {part.what}")
        self._read(part)

    def _take(self, member: Member, part: Part) -> None:
        self._members.take()
        self._open[-1].component(member)
        key = self._open[-1].sample.key
        if member.name != part.member:
            self._say(key, part.offset, f"the tar calls its {part.what} {member.name!r}, not {part.member!r}")
        if member.size != part.size:
            text = f"the tar has {member.size} bytes as its {part.what}, and the index says {part.size}"
            self._say(key, part.offset, text)
        if not member.regular:
            self._say(key, part.offset, f"its {part.what} is a link or another special member")

    def _read(self, part: Part) -> None:
        self._tar.file.seek(part.offset)
        content = self._tar.file.read(part.size)
        key = self._open[-1].sample.key
        decode = self._decode if part is self._open[-1].sample.payload else None
        if fault := content_fault(part, content, decode):
            self._say(key, part.offset, fault)
        self._check_padding(key, part.what, part.offset + part.size)

    def _check_padding(self, key: str | None, what: str, end: int) -> None:
        """A member is filled up to a whole block, which begin at multiples of their size."""
        self._tar.file.seek(end)
        if self._tar.file.read(-end % BLOCK).strip(b"\0"):
            self._say(key, end, f"what fills its {what} up to a whole block is not zero")

    def _take_other(self, member: Member) -> None:
        """A label, or what the index doesn't know."""
        self._members.take()
        for candidate in self._open:
            if candidate.is_label(member):
                candidate.component(member)
                self._check_label(candidate, member)
                self._check_padding(candidate.sample.key, "label", member.offset + member.size)
                return
        if self._tar.ours:
            self._say(None, member.offset, f"the tar holds {member.name!r}, which the index doesn't know")

    def _check_label(self, of: _Open, member: Member) -> None:
        of.labelled = True
        self._tar.file.seek(member.offset)
        text = self._tar.file.read(min(member.size, LABEL_BYTES))
        if not is_label(text, of.sample.label, self._classes, number=self._tar.ours):
            shown = text[:100].decode(errors="replace")
            text_ = f"its label is {shown!r} in the tar, and {of.sample.label} in the index"
            self._say(of.sample.key, member.offset, text_)

    def _close(self, keep: int) -> None:
        """Of the samples before the last, all has been seen."""
        while len(self._open) > keep:
            done = self._open.pop(0)
            if self._tar.ours and not done.labelled:
                self._say(done.sample.key, None, "the tar has no label for it")
            if self._idx:
                self._found += self._idx.sample(done.sample.key, done.told())

    def _look_at_rest(self) -> None:
        while member := self._peek(None):
            self._take_other(member)
        self._close(keep=0)
        if self._idx:
            self._found += self._idx.end()
        if not self._lost:
            self._check_end(self._members.end())

    def _check_end(self, at: int) -> None:
        """After the end mark nothing but zeros may come."""
        self._tar.file.seek(at)
        while block := self._tar.file.read(CHUNK):
            if rest := block.lstrip(b"\0"):
                self._say(None, at + len(block) - len(rest), "behind the tar's end mark there is more")
                return
            at += len(block)

    def _peek(self, due: Part | None) -> Member | None:
        """The next member. Damage is told, and passed over; None where nothing more can be read."""
        while True:
            try:
                member = self._members.peek()
                if member is None and due is not None:
                    raise DamageError(self._members.end(), "the tar's end mark stands there")
                return member
            except DamageError as damage:
                if not self._go_on(damage, due):
                    return None

    def _go_on(self, damage: DamageError, due: Part | None) -> bool:
        """Goes to the next header; the index tells where the content of a part ends that has none."""
        at_due = due is not None and damage.offset >= due.offset - BLOCK
        if due is not None and at_due and self._headless == due.offset:
            return False
        self._say(self._owner(at_due=at_due), damage.offset, f"the header is damaged ({damage})")
        limit = self._tar.size if due is None else due.offset
        at = self._members.find(damage.offset + BLOCK, limit)
        if due is not None and at is None:
            self._headless, at = due.offset, due.offset + due.size + -due.size % BLOCK
        if at is not None:
            self._members.jump(at)
        self._lost = at is None
        return not self._lost

    def _owner(self, *, at_due: bool) -> str | None:
        """Whose header it is: that of the part that is due, or a label that is missing, which so is told."""
        if at_due:
            return self._open[-1].sample.key
        unlabelled = next((one for one in self._open if not one.labelled), None)
        if unlabelled is None:
            return None
        unlabelled.labelled = True
        return unlabelled.sample.key


def _split(name: str) -> tuple[str, str]:
    """A member's name as WebDataset splits it: at its basename's first dot."""
    folder, slash, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    return folder + slash + stem, ending
