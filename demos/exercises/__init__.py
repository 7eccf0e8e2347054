"""Five exercises. Each is a file with a part for you to write, and a check that says what is wrong with it.

    layer_norm         LayerNorm against BatchNorm: two axes, two answers
    residual           residual connections: where the skip begins, where it ends, and how large the branch is
    twenty_layers      twenty layers and more: see the gradient vanish, and keep it
    rate_start_norm    learning rate × start × normalization: a study that compares like with like
    real_data          real data: standardize, train, test

Open one, write your part where it says “yours”, and run

    python -m demos.exercises.layer_norm

as often as you like; `python -m demos.exercises` runs all five. Nothing else has to be changed. The cells
make a notebook of each. `solutions/` has one answer to each; what is checked stands in `checks/`."""

NAMES = ("layer_norm", "residual", "twenty_layers", "rate_start_norm", "real_data")
