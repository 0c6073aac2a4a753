"""The monitor: listens to what happens in a hive and can tell, at any moment, how it performs."""
