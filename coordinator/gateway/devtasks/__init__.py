"""Dev tasks: a piece of development that is split over agents by what they are good at (docs/adr/0048).

A dev task is nothing but tasks that depend on each other and quote each other's outputs. `planning`, `wording` and `view` are pure.
"""
