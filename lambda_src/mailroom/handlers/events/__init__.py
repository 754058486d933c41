"""Bundled behaviours of sending events; each module has a function ``on_event``."""
