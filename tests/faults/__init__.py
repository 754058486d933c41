"""Faults caused on the deployed examples, and an account of every message after each.

``PYTHONPATH=tests python -m faults`` deploys the examples once on a local AWS, causes one fault
after the other, and shows what came in, what came out and where everything is.
"""
