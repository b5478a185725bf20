"""The doctor's checks, one subject per file. Each takes the case, says what it saw, and mends what it may."""
