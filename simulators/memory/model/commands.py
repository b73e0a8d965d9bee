"""DRAM commands by number, as tables and kernel use them."""

from __future__ import annotations

#: Position is the command's number. PREPB and PREAB precharge one bank and all banks of a rank, REFAB refreshes all
#: banks of a rank, RDA and WRA precharge their bank by themselves afterwards. From RD on they are column commands.
COMMANDS = ("ACT", "PREPB", "PREAB", "REFAB", "RD", "RDA", "WR", "WRA")
N_COMMANDS = len(COMMANDS)
ACT, PREPB, PREAB, REFAB, RD, RDA, WR, WRA = range(N_COMMANDS)
