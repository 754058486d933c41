"""Write the lake's columns to ``docs/lake.md``: ``python examples/analytics/schema.py --write``.

Without ``--write`` it prints the table.
"""

import sys
from pathlib import Path

from mailroom.lake import SCHEMA

PAGE = Path(__file__).parents[2] / "docs" / "lake.md"
BEGIN, END = "<!-- schema -->\n", "<!-- /schema -->"


def table() -> str:
    lines = ["| column | type | always | what |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{column.name}` | `{column.type}` | {'' if column.nullable else 'yes'} | "
        f"{column.description} |"
        for column in SCHEMA
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if arguments != ["--write"]:
        print(table(), end="")
        return 0
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{PAGE} lacks the markers {BEGIN.strip()} and {END}", file=sys.stderr)
        return 1
    PAGE.write_text(before + begin + table() + end + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
