"""What does a person read in the morning? One value, and the forms in which it is told."""
