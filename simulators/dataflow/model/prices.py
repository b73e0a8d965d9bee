"""Area of a chip and energy of a run, from what is read, written, computed and sent, and what each costs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.compiled import compiled
from . import answers as a
from . import columns as c
from .program import Program

Array = np.ndarray[Any, np.dtype[Any]]

#: Joules in a picojoule.
_PICO = 1e-12


class Prices(NamedTuple):
    """What a chip's parts and a run's actions cost; `cost.prices_of` says where each is from.

    Attributes:
        pcu: mm² of a lane's stage.
        pmu, bank: mm² of a KB, and the part of it that goes with the banks, of which `banks` are the usual ones.
        noc: mm² per GB/s of a unit's links.
        hbm, ddr, link: mm² per GB/s.
        ddr_gbps: the bandwidth that `ddr` is the area of.
        op: of a vector operation, over a multiply-accumulate.
        mac_pj, datapath: of a multiply-accumulate, and its pipelines over it.
        sram_pj, noc_pj, node: of a byte (and hop), and the node's energy over the one that they are of.
        hbm_pj, ddr_pj, link_pj: of a byte.
        static_w, standby_w: per mm², and per GB of memory.
        clock: GHz at which the chip has its own voltage.
        slope: voltage's relative change over the clock's.
    """

    pcu: float
    pmu: float
    bank: float
    banks: float
    noc: float
    hbm: float
    ddr: float
    ddr_gbps: float
    link: float
    op: float
    mac_pj: float
    datapath: float
    sram_pj: float
    noc_pj: float
    node: float
    hbm_pj: float
    ddr_pj: float
    link_pj: float
    static_w: float
    standby_w: float
    clock: float
    slope: float


@compiled
def chip_mm2(p: Prices, d: Array, hbm: bool) -> float:
    """Return the area of one socket's chip but for its links to others."""
    area = d[c.PCUS] * d[c.LANES] * d[c.STAGES] * p.pcu
    area += d[c.PMUS] * d[c.PMU_KB] * p.pmu * (1 + p.bank * (d[c.BANKS] / p.banks - 1))
    area += (d[c.PCUS] + d[c.PMUS]) * d[c.NOC_GBPS] * p.noc
    area += d[c.DDR_GBPS] * p.ddr / p.ddr_gbps
    return float(area + d[c.HBM_GBPS] * p.hbm if hbm else area)


@compiled
def fill_prices(program: Program, p: Prices, d: Array, out: Array) -> None:
    """Fill area and energies among the totals (TOTALS,) of one design, whose time and amounts are known.

    A chip that stands alone has no links to others.
    """
    area = chip_mm2(p, d, program.hbm) + (d[c.LINK_GBPS] * p.link if program.sockets > 1 else 0.0)
    socket_s = program.sockets * out[a.TIME]
    volts = 1 + p.slope * (d[c.CLOCK] / p.clock - 1)
    square = volts * volts
    out[a.AREA] = area
    out[a.COMPUTE_J] = (out[a.MACS] + p.op * out[a.OPS]) * p.mac_pj * p.datapath * square * _PICO
    out[a.SRAM_J] = out[a.SRAM_BYTES] * p.sram_pj * p.node * square * _PICO
    out[a.NOC_J] = out[a.NOC_BYTES] * p.noc_pj * p.node * square * _PICO
    out[a.HBM_J] = out[a.HBM_BYTES] * p.hbm_pj * _PICO
    out[a.DDR_J] = out[a.DDR_BYTES] * p.ddr_pj * _PICO
    out[a.LINK_J] = out[a.LINK_BYTES] * p.link_pj * _PICO
    out[a.STATIC_J] = area * socket_s * p.static_w * volts
    memory_gb = d[c.DDR_GB] + (d[c.HBM_GB] if program.hbm else 0.0)
    out[a.STANDBY_J] = memory_gb * socket_s * p.standby_w
    out[a.ENERGY_J] = 0.0
    for component in range(a.COMPUTE_J, a.STANDBY_J + 1):
        out[a.ENERGY_J] += out[component]
