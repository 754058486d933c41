"""Bundled behaviours of received mail; each module has a function ``on_mail``."""
