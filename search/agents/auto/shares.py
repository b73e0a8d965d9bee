"""How many designs each proposer has of an ask: by how often what it proposed turned out to be good."""

from __future__ import annotations

from collections.abc import Mapping

# Designs that a proposer is taken to have proposed at its first rate, and how much of what was learnt is kept from one
# ask to the next. Both chosen here, not tuned.
PRIOR_DESIGNS, MEMORY = 8.0, 0.9
# The least part of the designs that each proposer has, so that none is given up for good.
LEAST_SHARE = 0.05


class Shares:
    """A bandit over proposers that matches how often each succeeds.

    The share of each is its rate of success over the sum of all rates, `LEAST_SHARE` at least. Fractions of a design
    are kept for later asks, so that shares hold over many small asks. Nothing is drawn: shares follow from what was
    told.

    Args:
        names: of the proposers.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._tried = dict.fromkeys(names, 0.0)
        self._good = dict.fromkeys(names, 0.0)
        self._owed = dict.fromkeys(names, 0.0)

    def parts(self, rates: Mapping[str, float]) -> dict[str, float]:
        """Return the part of the next ask that each is to have; their sum is 1.

        Args:
            rates: the rate of success that each is taken to have before it proposed anything, by name.
        """
        rate = {
            name: (self._good[name] + PRIOR_DESIGNS * rates[name]) / (tried + PRIOR_DESIGNS)
            for name, tried in self._tried.items()
        }
        total = sum(rate.values())
        free = 1.0 - LEAST_SHARE * len(rate)
        return {name: LEAST_SHARE + free * rate[name] / total for name in rate}

    def split(self, n: int, rates: Mapping[str, float]) -> dict[str, int]:
        """Divide `n` designs, those owed most first."""
        owed = {name: self._owed[name] + part * n for name, part in self.parts(rates).items()}
        out = dict.fromkeys(owed, 0)
        for _ in range(n):
            name = max(owed, key=lambda k: owed[k] - out[k])
            out[name] += 1
        return out

    def learn(self, given: Mapping[str, int], good: Mapping[str, float], rates: Mapping[str, float]) -> None:
        """Take how many designs each had of an ask that was split by these rates, and how many of them were good."""
        parts, n = self.parts(rates), sum(given.values())
        for name in self._tried:
            self._owed[name] += parts[name] * n - given[name]
            self._tried[name] = MEMORY * self._tried[name] + given[name]
            self._good[name] = MEMORY * self._good[name] + good[name]
