"""Who has to be told, by which way, and did it arrive?"""
