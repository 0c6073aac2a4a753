"""Guessing a secret is slow, whoever guesses: for every door that takes one. The guard needs Redis's client, so a sidecar does not import it."""
