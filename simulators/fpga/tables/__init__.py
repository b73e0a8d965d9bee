"""Devices and what they have."""
