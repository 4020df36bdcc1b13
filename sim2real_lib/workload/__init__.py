"""How much work a run is: `frames` counts what there is to work on, `flops` what networks compute;
`jobs` makes jobs of a plan, `rates` holds how fast such went, `measured` how fast they went here.
"""
