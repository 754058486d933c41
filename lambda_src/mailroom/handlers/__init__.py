"""Bundled behaviours, which need no code of the user's.

`mailroom.handlers.receiving` has those of received mail, each with a function ``on_mail``;
`mailroom.handlers.events` those of sending events, one for each type, each with ``on_event``. A
construct names them as it names a user's function, such as
``mailroom.handlers.receiving.forward:on_mail``. The docstring of each lists its settings and
permissions, and what happens when it fails.
"""
