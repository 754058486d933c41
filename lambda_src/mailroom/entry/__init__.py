"""What Lambda calls: a module for each capability, each with a function ``handler``.

Only these modules import the user's code. Importing anything else in `mailroom` has no effect.
"""
