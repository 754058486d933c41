"""One module per subject; every function with ``@check`` is found by itself."""
