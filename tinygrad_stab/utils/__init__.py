"""What is neither a tensor nor a layer: `utils.data`, from samples to batches."""

from . import data
