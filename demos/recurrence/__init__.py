"""The same weights at every step: gradients through time."""
