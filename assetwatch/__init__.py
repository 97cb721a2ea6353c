"""assetwatch: knows what arrived on a post-production storage server, and proves that it stays as it was."""

__version__ = "0.1.0"
