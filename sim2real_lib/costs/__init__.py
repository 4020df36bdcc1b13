"""What a run costs before it starts: `python -m sim2real_lib.costs paper`, in seconds.

`frames` counts what there is to work on, `flops` what networks compute, `jobs` makes jobs of a
plan, `rates` says how fast they went where they were measured.
"""
