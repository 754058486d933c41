"""Bundled behaviours for mail in flow through WorkMail; they end when WorkMail does.

Each module has a function ``on_flow``, which `mailroom.workmail.handler` calls when
``MAILROOM_FLOW_HANDLER`` names it, e.g. ``mailroom.handlers.workmail.disclaimer:on_flow``. Each
takes its settings as JSON in ``MAILROOM_FLOW_SETTINGS``, so that no two of them can be mixed up.
"""
