"""The compiled model: tiles, loop orders, cycles and traffic of every layer on every design."""
