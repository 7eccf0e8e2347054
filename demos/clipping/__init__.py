"""What clipping does to a gradient that has exploded, and what it does not."""
