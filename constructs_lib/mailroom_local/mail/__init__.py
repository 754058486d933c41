"""Reads mail."""
