"""Data kinds: what a sample is. The harness asks a kind, and knows none itself.

A kind is found through the entry point group `pipebench.kinds`; a new one adds a file and a line.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from pipebench import registry
from pipebench.contract import Preprocessing


class Probe(NamedTuple):
    """A payload made for the same-work proof, and the ending of its file's name."""

    payload: bytes
    suffix: str


class Kind(Protocol):
    """What the harness must be able to ask about the samples of a dataset."""

    suffixes: frozenset[str]
    """File endings, lower case with their dot, that hold one payload of this kind."""

    def preprocessing(self, options: Mapping[str, str]) -> Preprocessing:
        """Options from the command line, checked; raises `BadInput`."""
        ...

    def deterministic(self, preprocessing: Any) -> Preprocessing:
        """The same output format from the recipe without randomness, for the same-work proof."""
        ...

    def fault(self, payload: bytes, *, allow_large: bool = False) -> str | None:
        """Why the payload cannot be used, from a full decode, or None if it is whole.

        One whose decoding could exhaust the memory is decoded only where that is allowed.
        """
        ...

    def oversize(self, payload: bytes | memoryview) -> str | None:
        """Why decoding the payload could exhaust the memory, from its header alone, or None."""
        ...

    def extension(self, head: bytes) -> str | None:
        """The file ending, without its dot, of a payload with these first 16 bytes, or None if unknown."""
        ...

    def decode(self, payload: bytes) -> Any:
        """Decodes one whole payload as fast as any library at hand does: the host's limit, not a proof."""
        ...

    def reference(self, payload: bytes, preprocessing: Any) -> NDArray[Any]:
        """What the deterministic recipe makes of one payload, computed the slow, trusted way."""
        ...

    def mismatch(self, got: NDArray[Any], expected: NDArray[Any], preprocessing: Any) -> str | None:
        """How one sample differs from its `reference` by more than the limits, or None."""
        ...

    def cheap(self, payload: bytes) -> Probe | None:
        """A payload of the same shape and as many bytes that takes far less to decode, or None."""
        ...

    def probe(self, preprocessing: Any) -> Probe | None:
        """A payload that shows what a random recipe did to it, or None where that can't be seen."""
        ...

    def probe_marks(self, inputs: Any, preprocessing: Any) -> NDArray[np.float64]:
        """(n, k) numbers: what the recipe did to each of a batch of probes."""
        ...

    def random_fault(self, marks: NDArray[np.float64], preprocessing: Any) -> str | None:
        """How the marks of two epochs (2, n, k), in id order, differ from what was asked, or None."""
        ...

    def layout_fault(self, inputs: Any, count: int, preprocessing: Any) -> str | None:
        """What is wrong with a batch tensor's shape, dtype or memory layout, or None."""
        ...

    def models(self) -> list[str]:
        """The names that `model` knows; `BadInput` where their library is missing."""
        ...

    def model(self, name: str, classes: int) -> Any:
        """A torch module from this kind's batches to (n, classes) scores; `BadInput` if unknown."""
        ...


def kind(name: str) -> Kind:
    """The kind registered as `name`."""
    return cast(Kind, registry.load(registry.KINDS, name)())
