"""Shared by all tests: the toy simulator joins everything that is registered."""

from __future__ import annotations

import sys
from pathlib import Path

import chipgym

sys.path.insert(0, str(Path(__file__).parent))

from toy import TOY

chipgym.register_simulator(TOY)
