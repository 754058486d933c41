"""Reads mail: its header fields and what its parts contain."""
