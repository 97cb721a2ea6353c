"""What stands on a volume, and when is it worth reading? From disk to catalog: watch, look, settle, read, record."""
