"""What the claims of the experiments in `demos/numerics` would not catch."""

from demos.numerics import gradient_underflow


def test_smallest_numbers_are_those_of_the_docstring():
    for dtype, smallest in gradient_underflow.SMALLEST.items():
        assert f"{dtype}    {smallest:.1e}".replace("e-0", "e-") in gradient_underflow.__doc__
