"""What all figures and nets of the demos share."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinygrad_stab as torch
from demos.cli import every_name
from demos.experiment import load
from demos.style import STYLES, balanced, finish, heatmap, style
from demos.training import plain_net
from tinygrad_stab import nn


def test_titles_break_into_as_few_lines_as_they_need_about_equally_long():
    assert balanced("a skip keeps it, and more of it", 31) == "a skip keeps it, and more of it"
    assert balanced("a skip keeps it, and more of it", 30) == "a skip keeps it,\nand more of it"
    assert balanced("", 30) == ""


@pytest.mark.parametrize("name", STYLES)
def test_every_title_fits_its_figure(name):
    with style(name) as chosen:
        figure = plt.figure()
        for experiment in map(load, every_name()):
            finish(figure, experiment.lesson, "", chosen)
            title = figure.texts[-2].get_window_extent(figure.canvas.get_renderer())
            assert title.x1 < figure.bbox.x1, experiment.lesson
        plt.close(figure)


def test_a_caption_has_its_indices_set_lower():
    with style("paper") as chosen:
        figure = plt.figure()
        finish(figure, "", "σ_w² 2  ·  b_f 1  ·  data my_digits", chosen)
        assert figure.texts[-1].get_text() == "$σ_w^2$ 2  ·  $b_f$ 1  ·  data my_digits"
        plt.close(figure)


def test_a_heatmap_has_its_words_in_readable_ink_and_hatches_what_is_not_a_number():
    figure, ax = plt.subplots()
    heatmap(ax, np.array([[0.0, 1.0], [np.nan, 0.9]]), [["a", "b"], ["-", "c"]], low=0, high=1)
    assert [(t.get_text(), t.get_color()) for t in ax.texts] == [("a", "w"), ("b", "k"), ("c", "k")]
    assert [(bar.get_x(), bar.get_y(), bar.get_hatch()) for bar in ax.patches] == [(-0.5, 0.5, "//")]
    plt.close(figure)


def test_a_plain_net_has_an_activation_between_its_layers_weights_as_drawn_and_no_bias():
    first, between, last = plain_net([5, 4, 3], nn.Tanh(), nn.init.ones_)
    assert isinstance(between, nn.Tanh)
    for layer, shape in ((first, (4, 5)), (last, (3, 4))):
        assert (layer.weight == torch.ones(shape)).all()
        assert (layer.bias == 0).all()
