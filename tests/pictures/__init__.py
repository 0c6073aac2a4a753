"""Takes the pictures of the dashboard that the documentation shows: `make pictures`."""
