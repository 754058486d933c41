"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "constructs_lib", ROOT / "lambda_src"]
DOCS = ROOT / "docs"
OUTPUT = ROOT / ".site"
PAGES = OUTPUT / "pages"
HTML = OUTPUT / "html"
NAMES = OUTPUT / "names.json"
