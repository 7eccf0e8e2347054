"""How far a computed gradient can be trusted: steps, kinks and the smallest number there is."""
