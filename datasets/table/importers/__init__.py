"""Importers of other people's tables of evaluated designs."""

from .importing import IMPORTERS, import_table

__all__ = ["IMPORTERS", "import_table"]
