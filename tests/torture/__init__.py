"""Mutated records and messages through what is deployed; `accounting` says what must hold."""
