"""Benchmarks: what Hive does beside what the bare parts do, on one server in one run, as ratios. Not timed tests."""
