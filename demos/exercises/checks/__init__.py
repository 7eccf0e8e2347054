"""What is checked of each exercise, and by which value a typical mistake is known."""
