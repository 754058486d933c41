"""Bundled behaviours: what runs without any code of one's own.

Those of received mail have a function ``on_mail``, which `mailroom.receiving.handler` calls when
``MAILROOM_HANDLER`` names it, e.g. ``mailroom.handlers.forward:on_mail``. Those of sending events,
a module for each type, have ``on_event``, which `mailroom.events.handler` calls for the types that
``MAILROOM_HANDLERS`` gives it. Those of WorkMail's email flow rules are in the package `workmail`.
Each docstring lists settings, permissions, and what happens when something fails.
"""
