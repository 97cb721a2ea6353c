"""What are a file's bytes, and what do senders say of them?"""
