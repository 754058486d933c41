"""DuckDB, which answers Athena's queries and writes Parquet.

Only an app with an event lake needs it, so it is an extra of its own. Without it, ministack would
make answers up.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MISSING = (
    "the local AWS needs DuckDB for Athena and for Parquet, and DuckDB is not installed: "
    "pip install 'cdk-mailroom[lake]' and start the local AWS again"
)


def is_here() -> bool:
    """Whether DuckDB is installed."""
    return find_spec("duckdb") is not None


def connect() -> duckdb.DuckDBPyConnection:
    """A new database in memory.

    Raises:
        RuntimeError: If DuckDB is not installed; it says what to do.
    """
    if not is_here():
        raise RuntimeError(MISSING)
    import duckdb

    return duckdb.connect()
