"""Each belief of ``docs/assumptions.md`` as a check, against the local AWS or a real account."""
