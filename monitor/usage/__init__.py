"""What was used and by whom, what of it quotas allow, and which host has become slower."""
