"""Residual connections: where the skip begins, where it ends, and how large the branch is."""

import numpy as np

import tinygrad_stab as torch
from demos.exercises.checking import Answers, NotYet, compare
from tinygrad_stab import nn

WIDTH, S = 5, 0.3


def check_block(answers: Answers) -> None:
    """the block is x + s · W₂ relu(W₁ x)"""
    block, x = answers["Block"](WIDTH, S), torch.randn(4, WIDTH)
    h = torch.relu(block.first(x))
    branch, no_relu = block.second(h), block.second(block.first(x))
    mistakes = {
        "there is no skip: x has to be added.": S * branch,
        "there is no skip, and s is missing.": branch,
        "s is missing: it scales the branch.": x + branch,
        "s scales the sum. On the skip x must stay as it is: s is for the branch alone.": S * (x + branch),
        "s scales the skip instead of the branch.": S * x + branch,
        "a ReLU follows the sum. It cuts the skip as well, and makes what passes grow: leave it out.":
            torch.relu(x + S * branch),
        "the branch ends with a ReLU. Then it can only add, and x grows from block to block.":
            x + S * torch.relu(branch),
        "there is no ReLU between the two layers: W₂ W₁ is one matrix.": x + S * no_relu,
        "the skip begins behind the first layer; it is x that has to be added.": block.first(x) + S * branch,
        "the skip begins behind the ReLU; it is x that has to be added.": h + S * branch,
        "the layers are in the wrong order.": x + S * block.first(torch.relu(block.second(x))),
    }  # fmt: skip
    plain = {what: y.detach().numpy() for what, y in mistakes.items()}
    found = block(given := x.clone())
    if (given != x).numpy().any():
        raise NotYet("Block.forward(x) changes x itself, as += does: write x + …, which makes a new tensor.")
    if isinstance(found, torch.Tensor):
        found = found.detach()
    compare("Block.forward(x)", found, (x + S * branch).detach().numpy(), plain)


def check_scale(answers: Answers) -> None:
    """s is the right power of the number of blocks"""
    L = np.array([4, 25, 100])
    mistakes = {
        "s = 1 makes (1 + s²)ᴸ = 2ᴸ.": [1.0, 1.0, 1.0],
        "s = 1/L is smaller than needed: (1 + 1/L²)ᴸ goes to 1, a deep net starts as the identity, and its "
        "branches have nothing to say. Which power makes (1 + s²)ᴸ go to e?": 1 / L,
        "s must become smaller with more blocks: it is the inverse of that.": np.sqrt(L),
        "that is the exponent; return L to this power.": [-0.5, -0.5, -0.5],
        "s = 1/√(2 L) would do as well, but 1 + s² = 1 + 1/L is the largest step.": (2 * L) ** -0.5,
    }
    compare("[scale(4), scale(25), scale(100)]", [answers["scale"](int(n)) for n in L], L**-0.5, mistakes)


def check_growth(answers: Answers) -> None:
    """the gradient passes fifty of your blocks with your s"""
    blocks = nn.Sequential(*(answers["Block"](64, answers["scale"](50)) for _ in range(50)))
    x = torch.randn(32, 64).requires_grad_()
    y = blocks(x)
    g = torch.randn_like(y)
    grown = (torch.autograd.grad(y, [x], g)[0].norm() / g.norm()).item()
    if not 1.4 < grown < 2:
        raise NotYet(
            f"Through 50 blocks its norm becomes {grown:.3g} times as large; √e = 1.65 was to be expected."
        )


CHECKS = (check_block, check_scale, check_growth)
