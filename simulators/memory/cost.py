"""What a device's currents and a controller's storage cost.

Energy follows from what the devices did, by the method of DRAMPower 4 (Chandrasekar et al., DSD 2011). A controller
stores bits, which take area: without it, buffers would be had for nothing.
"""

from __future__ import annotations

import numpy as np

from .lowering.bursts import Bursts
from .lowering.mapping import AddressMap
from .model.metrics import Prices
from .tables.device import Device

#: mA × V × s in joules.
_MILLI = 1e-3
#: mm² of a stored bit: DFF_X1, the smallest flip-flop of the NanGate 45 nm Open Cell Library (4.522 µm²). Requests are
#: all looked at in one cycle, which takes flip-flops and not an SRAM. Comparators, wires and clock come on top.
MM2_PER_BIT = 4.522e-6


def prices_of(device: Device, bursts: Bursts, where: AddressMap, channels: int, ranks: int) -> Prices:
    """Return the prices of bursts on so many channels of a device, with so many ranks each."""
    t, e = device.timings, device.energy_timings
    ras, precharge = t["RAS"], e["row_cycle"] - t["RAS"]
    rails = [
        (
            device.energy_cycle_s * device.devices * rail.volts * _MILLI,
            ras * (rail.idd0 - rail.idd3n),
            precharge * (rail.idd0 - rail.idd2n),
            rail.idd4r - rail.idd3n,
            rail.idd4w - rail.idd3n,
            rail.idd5 - rail.idd3n,
            rail.idd3n,
            rail.idd2n,
        )
        for rail in device.rails
    ]
    address_bits = (where.size // channels // device.burst_bytes).bit_length() - 1
    return Prices(
        rails=np.array(rails, dtype=np.float64),
        burst=t["B"],
        refresh=e["refresh"],
        cycle_s=device.cycle_s,
        energy_cycle_s=device.energy_cycle_s,
        requests=len(bursts),
        writes=int(bursts.is_write.sum()),
        burst_bytes=device.burst_bytes,
        ranks=ranks,
        banks=device.banks,
        channels=channels,
        entry=address_bits + 2,
        data=8 * device.burst_bytes,
        mm2_per_bit=MM2_PER_BIT,
    )
