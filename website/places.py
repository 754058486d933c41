"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "constructs_lib", ROOT / "lambda_src"]
