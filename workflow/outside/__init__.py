"""Effects carried out: each kind over connections that the guard was asked about, with a bound on what comes back."""
