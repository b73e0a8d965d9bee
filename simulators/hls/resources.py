"""Resources of a scheduled nest."""
from __future__ import annotations
from typing import Any
import numpy as np
from .latency import State
from .nest import Nest
from .tools import Tool
def use(nest: Nest, s: State, n: int, t: Tool) -> dict[str, Any]:
    dsp = np.zeros(n)
    for x in nest.nodes[1:]:
        copies = np.ones(n); ii = np.ones(n)
        for p in (*x.path[1:], x.at):
            copies = copies * np.where(s.full[p] | s.piped[p], s.u[p], s.eff[p])
            ii = np.where(s.piped[p], s.ii[p], ii)
        o = x.operations
        dsp = dsp + np.ceil((3 * o.get("dadd", 0) + 8 * o.get("dmul", 0)) * copies / ii)
    return {"lut": 20000 + 70 * dsp, "ff": 20000 + 100 * dsp, "dsp": dsp, "bram18": np.full(n, 100.0)}
