"""What stands on a volume, and when is it worth reading? The rooms from disk to catalog: watch, look, settle, read, record."""
