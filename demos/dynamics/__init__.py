"""What becomes of the gradient while the net trains: step sizes, optimizers, dead and saturated units."""
