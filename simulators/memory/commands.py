"""DRAM commands by number, as tables and kernel use them."""

from __future__ import annotations

#: Position is the command's number. PREPB and PREAB precharge one bank and all banks of a rank, REFAB refreshes all
#: banks of a rank, RDA and WRA precharge their bank by themselves afterwards.
COMMANDS = ("ACT", "PREPB", "RD", "RDA", "WR", "WRA", "PREAB", "REFAB")
N_COMMANDS = len(COMMANDS)
ACT, PREPB, RD, RDA, WR, WRA, PREAB, REFAB = range(N_COMMANDS)
