"""The ``mailroom`` command: rehearse a mail app locally, and look after one in a real account."""
