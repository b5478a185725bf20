"""What a track of `evaluate` asks for, and how it shows what was found."""
