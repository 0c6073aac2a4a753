"""The parts of the simulator of fleets: hosts, traces, and the policies that share them out."""
