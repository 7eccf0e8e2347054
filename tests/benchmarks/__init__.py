"""Measurements of speed and memory, side by side in one run. They are run by hand and assert nothing."""
