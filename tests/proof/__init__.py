"""Commands that show what the documentation promises; ``make prove`` runs them before a release.

Each part is a program of its own that writes a `Result`. None of them belongs to ``make test``.
"""

from proof.result import FOLDER, Result, Table

__all__ = ["FOLDER", "Result", "Table"]
