"""What Lambda calls: a module for each capability, each with a function ``handler``.

These modules alone import the user's code; everything else may be imported without effect.
"""
