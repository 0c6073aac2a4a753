"""`/ws`: what happens, as it happens, for whoever subscribes to a topic."""
