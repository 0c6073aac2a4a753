"""What the API's own documentation shows: bodies, which a test sends through their models, and answers."""
