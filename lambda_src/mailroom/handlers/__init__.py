"""Bundled behaviours: what a receipt rule can run without any code of one's own.

Each module has a function ``on_mail``, which `mailroom.receiving.handler` calls when
``MAILROOM_HANDLER`` names it, e.g. ``mailroom.handlers.forward:on_mail``. Its docstring lists its
settings, the permissions that it needs, and what happens when something fails.
"""
