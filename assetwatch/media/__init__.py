"""What do the bytes and the names of media show?"""
