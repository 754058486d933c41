"""The subcommands of ``mailroom``, one module each; a new one is a new file here.

The module's docstring is the command's help. ``add_arguments(parser)`` declares its arguments, and
``run(options)`` returns the exit status. The help imports every module, so anything slow to import
(boto3, rich, the local AWS) is imported inside ``run``.
"""
