"""What the library exists for: see the gradient, explain it, name what ails it, and prove the cure.

    summary        which layers, which shapes, how many parameters
    theory         what a net will do to signal and gradient, before it runs
    probe          what it does, layer by layer, in one forward and backward pass, beside the theory
    monitor        the same while it trains, and the size of its steps
    dead_units     which units no gradient reaches, and why
    clip_lens      what clipping did
    time_map       the gradient of a recurrent layer, back through time
    diagnose       what ails this net: the evidence, the cause, the fix as a line of code, and its proof
    explain        the backward pass narrated, step by step, with its formulas
    plots          one function a picture

Every result is a `Report`: it prints as a table, shows in a notebook, and exports rows. Nothing here changes
a model: modes, gradients, buffers, hooks and the random stream are afterwards what they were before.
"""

from . import plots, theory
from .alarms import Limits
from .clip_lens import ClipLens
from .dead_units import dead_units
from .diagnose import Diagnosis, diagnose
from .explain import explain
from .findings import Finding
from .monitor import GradientMonitor, GradientWarning
from .probe import probe
from .report import Report
from .summary import summary
from .time_map import time_map
