"""Breaks the code on purpose, and looks for what no test notices."""
