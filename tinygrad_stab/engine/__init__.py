"""Reverse-mode automatic differentiation, complete, and nothing else.

With `ops/`, the table of derivatives, it is a framework. It knows no layer and no PyTorch, and
imports nothing from above.

    graph.py        a value that remembers how it was made
    primitive.py    a function and the rules of its derivatives, each of which names what it reads
    chain_rule.py   how a gradient finds its way back
    backward.py     what a user asks: grad() and backward()

    numpy_words.py  how `np.exp(x)` and `x + 1` come to be differentiable
    hooks.py        a gradient can be looked at on its way, and replaced
    switches.py     recording, on or off, for each thread
    memory.py       who wrote into which memory, and when
    sums.py         sums that are quick and lose no digits
    manners.py      the one slot that a layer above fills
"""

from .backward import backward, grad
from .graph import Variable, leaf
from .primitive import primitive
from .switches import enable_grad, no_grad
