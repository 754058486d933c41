"""The subcommands of ``mailroom``, one module each.

A module's docstring is the command's help; ``add_arguments`` declares what it takes, and ``run``
does it and returns the exit status.
"""
