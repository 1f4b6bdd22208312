"""Seeded choices. Knows nothing of what is chosen."""

import random
from bisect import bisect_right
from itertools import accumulate


class Dice:
    """Choices made from one seeded stream.

    Only `random()` is drawn from the generator: Python promises its sequence for a seed across versions, and promises
    nothing of the kind for its other methods.
    """

    def __init__(self, seed: str) -> None:
        self.unit = random.Random(seed).random

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return int(self.unit() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, share: float) -> bool:
        return self.unit() < share

    def pick(self, options):
        return options[self.below(len(options))]

    def weighted(self, weights: dict):
        """A key of the mapping, as often as its weight says."""
        return list(weights)[self.index(list(accumulate(weights.values())))]

    def index(self, running_sums: list, end: int | None = None) -> int:
        """A position among the first `end`, as often as the step of the running sums there says."""
        end = len(running_sums) if end is None else end
        return min(bisect_right(running_sums, self.unit() * running_sums[end - 1], 0, end), end - 1)
