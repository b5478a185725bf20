"""Runs that complete a tissue's panel: the job, what it leaves, what is said before it starts, and taking it home."""
