"""The net of the Flow screen, as lines of Python: what each of its knobs does to them."""

from __future__ import annotations

from demos.lab.state import State

PHI = {
    "relu": "nn.ReLU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()", "elu": "nn.ELU()",
    "silu": "nn.SiLU()", "leaky": "nn.LeakyReLU(0.2)", "linear": "nn.Identity()",
}  # fmt: skip
NORM = {"none": "", "batch": "nn.BatchNorm1d", "layer": "nn.LayerNorm"}
SKIP = {"none": "", "1": "1", "1/√L": "{blocks}**-0.5", "branch 0": "1"}


HEAD = """\
import tinygrad_stab as torch
from demos.digits import load_digits
from tinygrad_stab import nn
from tinygrad_stab.stability import diagnose, probe

torch.manual_seed({seed})
"""
DATA = {
    "digits": "data = load_digits({seed})\nx, y = data.x_train[:{batch}], data.y_train[:{batch}]\n",
    "gaussian": "x, y = torch.randn({batch}, 64), torch.randint(0, 10, ({batch},))\n",
}
DRAW = {
    "normal": "nn.init.normal_(W.weight, std={sigma:.10g} / n**0.5)",
    "orthogonal": "nn.init.orthogonal_(W.weight, gain={sigma:.10g})",
}
BLOCK = '''
class Block(nn.Module):
    """h + s · branch(h)"""

    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, h):
        return h + {s} * self.branch(h)

'''
LAYERS = """
layers = []
for n in [64] + {blocks} * [{width}]:
    W = nn.Linear(n, {width}{bias})
    {draw}
    {put}
readout = nn.Linear({width}, 10)
nn.init.xavier_normal_(readout.weight)
nn.init.zeros_(readout.bias)
model = nn.Sequential(*layers, {last}readout)
"""


def model_lines(state: State) -> str:
    """Data and net. With a skip, norm and φ stand before W, so that a branch that is 0 still has a slope."""
    blocks = state["depth"] - 2
    phi, norm = PHI[state["phi"]], NORM[state["norm"]]
    norm = f"{norm}({state['width']})" if norm else ""
    inside = ", ".join(filter(None, [norm, phi]))
    put, last, block = f"layers += [W, {inside}]", "", ""
    if state["skip"] != "none":
        put = f"layers += [Block({inside}, W) if layers else W]"
        last = f"{inside}, "
        block = BLOCK.format(s=SKIP[state["skip"]].format(blocks=max(blocks, 1)))
    if state["skip"] == "branch 0":
        put = "if layers: nn.init.zeros_(W.weight)\n    " + put
    head = HEAD.format(**state) + DATA[state["data"]].format(**state)
    draw = DRAW[state["draw"]].format(**state)
    bias = ", bias=False" if state["norm"] == "batch" else ""  # BatchNorm would take it away again
    draw += "" if bias else "\n    nn.init.zeros_(W.bias)"
    body = LAYERS.format(blocks=blocks, width=state["width"], bias=bias, draw=draw, put=put, last=last)
    double = "model, x = model.double(), x.double()\n" if state["dtype"] == "float64" else ""
    return head + block + body + double
