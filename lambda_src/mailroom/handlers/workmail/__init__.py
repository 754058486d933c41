"""Bundled behaviours for mail in flow through WorkMail; they end when WorkMail does.

Each module has a function ``on_flow``, which `mailroom.entry.workmail` calls if
``MAILROOM_FLOW_HANDLER`` names it, such as ``mailroom.handlers.workmail.disclaimer:on_flow``. Its
settings are JSON in ``MAILROOM_FLOW_SETTINGS``.
"""
