"""What any coordinator can tell without leading."""
