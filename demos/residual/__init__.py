"""What a skip connection does to a gradient, and what it needs besides."""
