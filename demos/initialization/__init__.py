"""What becomes of a signal, and of its gradient, before the first step of training."""
