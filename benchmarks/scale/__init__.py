"""What ``benchmarks/scaling.py`` is made of.

`aws` has prices and quotas, `inputs` what is measured, `flows` what both make together, `page` the
tables of ``docs/scaling.md``, and `chart` its picture.
"""
