"""What becomes of it while the net trains: step sizes, optimizers, dead and saturated units."""
