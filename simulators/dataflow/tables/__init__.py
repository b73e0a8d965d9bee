"""Chips and constants as data, each number with its source."""
