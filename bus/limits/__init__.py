"""How often somebody may ask: rate limits by user, role and route."""
