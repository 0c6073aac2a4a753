"""The room of the workflow engine.

What decides is pure: `n8n/` reads a workflow, `graph.py` plans it, `advance.py` steps an execution. What computes touches nothing
outside the process: `expressions/` evaluates in V8, `nodes/` turn items into items, `interpreter.py` runs one node, `driver.py` runs a
whole workflow in memory. Everything that reaches outside is an effect (`effects.py`), carried out by an engine and answered with an
event (docs/adr/0014).
"""
