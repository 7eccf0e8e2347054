"""What BatchNorm and LayerNorm do to a gradient, and what they do not."""
