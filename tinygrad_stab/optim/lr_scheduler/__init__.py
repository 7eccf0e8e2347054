"""How the learning rate moves while a net is trained.

A schedule gives every time t = 0, 1, 2, … a factor f(t), the share of the optimizer's rate that is used then:

    LambdaLR             f(t) = what you write
    LinearLR             f(t) = a + (b − a) min(t, T)/T    from a to b in T steps: a warm-up
    StepLR               f(t) = γ^⌊t/s⌋                    a factor γ every s steps
    ExponentialLR        f(t) = γᵗ
    CosineAnnealingLR    f(t) = (1 + cos(π t/T)) / 2       from the rate down to η_min in T steps and up again
    SequentialLR         one schedule after the other, each from its own t = 0
    ReduceLROnPlateau    has no f(t): it waits until a metric has stopped improving

Each `scheduler.step()` adds one to t. It belongs after `optimizer.step()`, or the rate of t = 0 goes unused.
"""

from .factors import CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, StepLR
from .plateau import ReduceLROnPlateau
from .schedule import LRScheduler
from .sequential import SequentialLR

_LEFT_OUT = {"OneCycleLR": "SequentialLR of a LinearLR and a CosineAnnealingLR is the same"}


def __getattr__(name: str) -> object:
    reason = f": left out, {_LEFT_OUT[name]}" if name in _LEFT_OUT else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{reason}")
