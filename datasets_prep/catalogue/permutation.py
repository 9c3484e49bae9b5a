"""A shuffled order that takes no memory: a keyed permutation of `range(size)`.

It is a Feistel network whose rounds are SplitMix64's finaliser (Steele, Lea, Flood: Fast splittable
pseudorandom number generators, 2014), walked in cycles until it falls into the range (Black, Rogaway:
Ciphers with arbitrary finite domains, 2002). No library's generator has a part in it, so that a seed
means the same order everywhere and always.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ROUNDS = 8
FEWEST_BITS = 4
"""Of a half: with fewer, the rounds hardly mix."""
WORD = (1 << 64) - 1
GAMMA, MIX_1, MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""SplitMix64's constants."""

Ids = NDArray[np.int64]
_Words = NDArray[np.uint64]


class Permutation:
    """Where each number of `range(size)` goes, and where it came from."""

    def __init__(self, size: int, seed: int) -> None:
        bits = max((size.bit_length() + 1) // 2, FEWEST_BITS)
        self._size, self._bits, self._mask = np.uint64(size), np.uint64(bits), np.uint64((1 << bits) - 1)
        states = [(seed + GAMMA * number) & WORD for number in range(1, ROUNDS + 1)]
        self._keys = _mixed(np.array(states, np.uint64))

    def places(self, ids: Ids) -> Ids:
        """Where these go."""
        return self._walk(self._forward, ids)

    def ids(self, places: Ids) -> Ids:
        """What goes there: the inverse of `places`."""
        return self._walk(self._backward, places)

    def _walk(self, step: Callable[[_Words], _Words], numbers: Ids) -> Ids:
        words = step(numbers.astype(np.uint64))
        while (outside := words >= self._size).any():
            words[outside] = step(words[outside])
        return words.astype(np.int64)

    def _forward(self, words: _Words) -> _Words:
        left, right = words >> self._bits, words & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & self._mask)
        return (left << self._bits) | right

    def _backward(self, words: _Words) -> _Words:
        left, right = words >> self._bits, words & self._mask
        for key in self._keys[::-1]:
            left, right = right ^ (_mixed(left ^ key) & self._mask), left
        return (left << self._bits) | right


def _mixed(words: _Words) -> _Words:
    """SplitMix64's finaliser of each."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(MIX_1)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(MIX_2)
    return words ^ (words >> np.uint64(31))
