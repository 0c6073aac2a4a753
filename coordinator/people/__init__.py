"""People: users, how they sign in, their sessions, and the keys that sign their tokens."""
