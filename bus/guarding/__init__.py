"""Guessing a secret is slow, whoever guesses: for every door that takes one. Needs Redis's client, so a sidecar does not import it."""
