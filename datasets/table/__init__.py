"""Tables of evaluated designs: what is in one, its file format, and how one is loaded."""

from .header import KnobField, MetricField, TableHeader
from .importers import IMPORTERS, import_table
from .loading import load_table, load_tables, table_names
from .table import DesignTable

__all__ = [
    "IMPORTERS",
    "DesignTable",
    "KnobField",
    "MetricField",
    "TableHeader",
    "import_table",
    "load_table",
    "load_tables",
    "table_names",
]
