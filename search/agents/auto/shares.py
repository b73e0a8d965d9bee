"""How many designs each proposer has of an ask: by how often what it proposed turned out to be good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Designs that a proposer is taken to have proposed before the search, at its first rate. How much of what was learnt
# is kept from one ask to the next; the rest returns to that rate. Both chosen here, not tuned.
PRIOR_DESIGNS, MEMORY = 8.0, 0.9
# The least part of the designs that each proposer has, so that none is given up for good.
LEAST_SHARE = 0.05


@dataclass(eq=False)
class Shares:
    """A bandit over proposers that matches how often each succeeds.

    The share of each is its rate of success over the sum of all rates, `LEAST_SHARE` at least. Fractions of a design
    are kept for later asks, so that shares hold over many small asks. Nothing is drawn: shares follow from what was
    told.

    Attributes:
        rates: what rate of success each is taken to have at first, by name.
    """

    rates: Mapping[str, float]
    tried: dict[str, float] = field(init=False)
    good: dict[str, float] = field(init=False)
    owed: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.tried = dict.fromkeys(self.rates, PRIOR_DESIGNS)
        self.good = {name: rate * PRIOR_DESIGNS for name, rate in self.rates.items()}
        self.owed = dict.fromkeys(self.rates, 0.0)

    def parts(self) -> dict[str, float]:
        """Return the part of the next ask that each is to have; their sum is 1."""
        rate = {name: self.good[name] / self.tried[name] for name in self.rates}
        total = sum(rate.values())
        free = 1.0 - LEAST_SHARE * len(rate)
        return {name: LEAST_SHARE + free * rate[name] / total for name in rate}

    def split(self, n: int) -> dict[str, int]:
        """Divide `n` designs, those owed most first."""
        owed = {name: self.owed[name] + part * n for name, part in self.parts().items()}
        out = dict.fromkeys(owed, 0)
        for _ in range(n):
            name = max(owed, key=lambda k: owed[k] - out[k])
            out[name] += 1
        return out

    def learn(self, given: Mapping[str, int], good: Mapping[str, float]) -> None:
        """Take how many designs each had of an ask, and how many of them were good."""
        parts, n = self.parts(), sum(given.values())
        for name in self.rates:
            self.owed[name] += parts[name] * n - given[name]
            self.tried[name] = MEMORY * self.tried[name] + given[name] + (1 - MEMORY) * PRIOR_DESIGNS
            self.good[name] = MEMORY * self.good[name] + good[name] + (1 - MEMORY) * PRIOR_DESIGNS * self.rates[name]
