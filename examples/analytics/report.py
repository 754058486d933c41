"""Run the saved queries and draw the results: ``python examples/analytics/report.py``.

The SQL is exactly what Athena has as saved queries. Here DuckDB runs it, on the rows that
``generate.py`` wrote, and the command ``mailroom report`` draws the same picture from your own
lake. Writes ``report.svg`` next to this file, always the same for the same rows.
Needs DuckDB: ``pip install duckdb``.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

import duckdb
from generate import LAKE, UNTIL

from cdk_mailroom.lake import named_queries
from mailroom.lake import SCHEMA
from mailroom_cli import report

HERE = Path(__file__).parent

_TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN"}
_TYPES |= {"array<string>": "VARCHAR[]", "map<string,string>": "MAP(VARCHAR, VARCHAR)"}


class Lake:
    """The rows below a folder, as the table that the saved queries read."""

    def __init__(self, folder: Path, today: date) -> None:
        # With several threads, approximate results differ from run to run.
        self._connection = duckdb.connect(config={"threads": 1})
        self._today = today
        names = {column.name: _TYPES[column.type] for column in SCHEMA}
        names |= {"event_type": "VARCHAR", "day": "VARCHAR"}
        self._connection.execute(
            "CREATE MACRO approx_percentile(value, part) AS approx_quantile(value, part)"
        )
        files = str(folder / "events" / "*" / "*" / "*.json").replace("'", "''")
        # In memory, because otherwise each query would read all the files again.
        self._connection.execute(
            f"CREATE TABLE events AS SELECT * FROM read_json('{files}', columns = {names!r}, "  # noqa: S608
            "format = 'newline_delimited', hive_partitioning = true, hive_types_autocast = false)"
        )

    def saved(self, name: str, *parameters: str) -> report.Rows:
        """Return the rows of a saved query."""
        return self.rows(named_queries()[name], *parameters)

    def rows(self, sql: str, *parameters: str) -> report.Rows:
        """Return the rows of a query, as if today were the lake's last day."""
        sql = sql.replace("current_date", f"DATE '{self._today}'")
        cursor = self._connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]


def draw(lake: Lake) -> str:
    """Return the results of the saved queries as an SVG."""
    return report.draw(
        report.collect(lake, tag="campaign"),
        peak="the imported list",
        note="Made by examples/analytics/report.py from generated events; none of this mail was "
        "sent.",
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lake", type=Path, default=LAKE, metavar="FOLDER")
    parser.add_argument("--today", type=date.fromisoformat, default=UNTIL, metavar="YYYY-MM-DD")
    parser.add_argument("--to", type=Path, default=HERE / "report.svg", metavar="FILE")
    given = parser.parse_args(arguments)
    if not (given.lake / "events").is_dir():
        print(f"no events below {given.lake}; run generate.py first", file=sys.stderr)
        return 1
    given.to.write_text(draw(Lake(given.lake, given.today)), encoding="utf-8")
    print(f"wrote {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
