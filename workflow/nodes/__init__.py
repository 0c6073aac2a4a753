"""The nodes that Hive runs: one file for each, the contract they keep in `contract.py`, all of them in `registry.py`."""
