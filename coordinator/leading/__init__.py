"""What the one coordinator does that leads: takes in, decides in turns, commits, then offers and announces."""
