"""Tasks and agents: takes what was asked for, decides who does it, and says what became of it."""
