"""DRAM devices as data, each with its source."""
