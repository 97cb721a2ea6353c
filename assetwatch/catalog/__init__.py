"""The catalog: the only door to the database."""
