"""Are the files still what they were? Reading again what was recorded, and what follows from it."""
