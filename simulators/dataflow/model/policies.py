"""The named choices of a mapping by number: a value's code is its place among the names, and has a name here."""

from __future__ import annotations

#: Sections of one kernel, of a product and what follows it, of the whole graph, or as cut.
FUSIONS = ("none", "layer", "full", "custom")
UNFUSED, BY_LAYER, FULL, CUSTOM_CUTS = range(4)

#: Tiles that an edge holds: one, two, or the difference of levels and one more.
FIFOS = ("single", "double", "matched")
SINGLE, DOUBLE, MATCHED = range(3)

#: PCUs of a kernel: equal, by its work, evened out by its time, or by shares.
ALLOCATIONS = ("equal", "work", "balanced", "custom")
EQUAL, BY_WORK, BALANCED, CUSTOM_SHARES = range(4)

#: A kernel's PCUs side by side over lanes or stages, square, or whichever is fastest.
SPLITS = ("auto", "lanes", "stages", "square")
AUTO, BY_LANES, BY_STAGES, SQUARE = range(4)

#: Kernels along the rows of the mesh, turning back at their ends or starting anew.
PLACEMENTS = ("snake", "row_major")
SNAKE, ROW_MAJOR = range(2)

#: Weights loaded a section ahead, as it starts, for every tile again, or once for all.
RESIDENCIES = ("prefetch", "section", "streamed", "resident")
PREFETCH, PER_SECTION, STREAMED, RESIDENT = range(4)

#: Off-chip memory that weights stream from.
TIERS = ("hbm", "ddr")
FROM_HBM, FROM_DDR = range(2)

#: Whether a part of one section repeats without being started anew.
LOOPINGS = ("off", "on")
UNLOOPED, LOOPED = range(2)

#: What sockets that share a kernel do with its result; the number is that of passes round their ring.
NO_COLLECTIVE, ALL_GATHER, ALL_REDUCE = range(3)

#: What becomes of a kernel's result: nobody in its part reads it, it stays on the chip, or it is written to memory.
UNREAD, ON_CHIP, WRITTEN = range(3)
