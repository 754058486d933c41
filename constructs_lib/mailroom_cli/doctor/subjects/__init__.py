"""What is looked at in an account: one module a subject; a new one is a new file here.

The module's docstring begins with the subject's title. ``NEEDS`` lists the IAM actions of its
calls, ``RANK`` says where it is shown, and ``look(place)`` yields what it finds. A call that is
denied raises, and becomes a finding of its own.
"""
