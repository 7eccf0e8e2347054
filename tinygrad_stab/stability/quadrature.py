"""Integrals over Gaussian variables, to a known error: the numerics of the theory.

A panel [a, b] is integrated by two rules that share their points: Gauss's with 7 of them, exact for
polynomials of degree 13, and Kronrod's with all 15, exact to degree 22 (Piessens et al. 1983, QUADPACK).
Where the two agree, the panel is done; where they do not, it is cut into eight. So a smooth integrand costs
one look at it, a kink or a jump wherever it lies ten; and an integral that is infinite, or oscillates beyond
what can be followed, is refused instead of answered wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]

# Gauss's points are every second one of Kronrod's, the middle among them: weights of points 0, 1, … 7 from
# the middle outwards, symmetric on the other side.
_POINTS = [
    0.0, 0.207784955007898467600689403773245, 0.405845151377397166906606412076961,
    0.586087235467691130294144691258130, 0.741531185599394439863864773280788,
    0.864864423359769072789712788640926, 0.949107912342758524526189684047851,
    0.991455371120812639206854697526329,
]  # fmt: skip
_KRONROD = [
    0.209482141084727828012999174891714, 0.204432940075298892414161999234649,
    0.190350578064785409913256402421014, 0.169004726639267902826583426598550,
    0.140653259715525918745189590510238, 0.104790010322250183839876322541518,
    0.063092092629978553290700663189204, 0.022935322010529224963732008058970,
]  # fmt: skip
_GAUSS = [
    0.417959183673469387755102040816327, 0.0, 0.381830050505118944950369775488975, 0.0,
    0.279705391489276667901467771423780, 0.0, 0.129484966168869693270611432679082, 0.0,
]  # fmt: skip
POINTS = np.array([-x for x in _POINTS[:0:-1]] + _POINTS)
KRONROD = np.array(_KRONROD[:0:-1] + _KRONROD)
GAUSS = np.array(_GAUSS[:0:-1] + _GAUSS)

TOLERANCE = 1e-9  # of a panel's difference of the two rules, relative to the whole integral of |f|
CUTS, LEVELS, PANELS = 8, 24, 30_000  # 8⁻²⁴ is beyond rounding: a jump is found long before

EDGE = 12.0  # standard deviations: the density beyond is below 1e-31
TINY = 1e-30  # stands for q → 0 from above: around 0 a ReLU has two slopes, at 0 itself only one
# Where an activation changes its course, for an ordinary one: there the panels end, in units of z and of u.
KINKS = np.array([0.5, 1.0, 3.0, 6.0, 30.0, 200.0])
WIDTHS = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0, EDGE])
NEAR_0 = np.array([1e-6, 1e-4, 1e-2])  # so that a step there, or a spike, is not missed


class NotConverged(ValueError):
    """An integral that has no value, or none that could be found."""


def integrate(
    f: Callable[[np.ndarray, np.ndarray], np.ndarray],
    which: np.ndarray, a: np.ndarray, b: np.ndarray, count: int, tolerance: float = TOLERANCE,
    most: int = PANELS,
) -> np.ndarray:  # fmt: skip
    """Return `count` integrals at once; panel k, from a[k] to b[k], is a part of integral which[k].

    f(which, x) gives the integrands at points x, panels × 15, of the integrals which, panels × 1. Raises
    NotConverged where a value is not finite, or the panels become too many.
    """
    total = np.zeros(count)
    size: np.ndarray | None = None
    for _ in range(LEVELS):
        half = (b - a) / 2
        y = f(which[:, None], (a + half)[:, None] + half[:, None] * POINTS)
        value, difference = (y @ KRONROD) * half, np.abs(y @ (KRONROD - GAUSS)) * half
        if not np.all(np.isfinite(value)):
            raise NotConverged("it is not finite: does it, or its slope, overflow or have a pole?")
        if size is None:
            size = np.bincount(which, (np.abs(y) @ KRONROD) * half, count)
        done = difference <= tolerance * size[which]
        total += np.bincount(which[done], value[done], count)
        if np.all(done):
            return total
        which, a, b = _cut(which[~done], a[~done], b[~done])
        if len(a) > most:
            break
    raise NotConverged("the quadrature does not converge: does it oscillate too fast, or have a pole?")


def _cut(which: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    edges = a[:, None] + (b - a)[:, None] * np.arange(CUTS + 1) / CUTS
    return np.repeat(which, CUTS), edges[:, :-1].ravel(), edges[:, 1:].ravel()


# --- one variable -----------------------------------------------------------------------------------------


def gaussian_average(f: Function, q: float, tolerance: float = TOLERANCE) -> float:
    """Return E f(z) = ∫ f(√q u) e^(−u²/2) du / √(2π) for z ~ N(0, q).

    Raises NotConverged, a ValueError, also where f grows so fast that what lies beyond 11 standard
    deviations counts, as for e^(z²), whose average is infinite.
    """
    scale = _scale(q)
    positive = np.sort(np.concatenate([WIDTHS, NEAR_0, KINKS[scale * EDGE > KINKS] / scale]))
    edges = np.concatenate([-positive[:0:-1], positive])
    reach: list[float] = []  # at first sight, how large f times the density is at the ends, beside its peak

    def integrand(_: np.ndarray, u: np.ndarray) -> np.ndarray:
        y = f(scale * u) * np.exp(u * u / -2)
        if not reach:
            sizes = np.abs(y)
            reach.append(max(sizes[0, 0], sizes[-1, -1]) / max(sizes.max(), TINY))
        return y

    with np.errstate(all="ignore"):  # what is not finite is refused by name
        which = np.zeros(len(edges) - 1, int)
        (total,) = integrate(integrand, which, edges[:-1], edges[1:], 1, tolerance)
    if reach[0] > 1e-7:
        raise NotConverged(
            "it grows too fast, so that it is infinite, or comes from more than 11 standard deviations away"
        )
    return float(total) / math.sqrt(2 * math.pi)


def _scale(q: float) -> float:
    if not 0 <= q < math.inf:
        raise ValueError(f"the variance q of pre-activations must be a finite number ≥ 0, got {q}")
    return math.sqrt(max(q, TINY))


# --- two correlated variables -----------------------------------------------------------------------------
#
# Two variables with correlation c are two projections of one random point of a plane, on axes at an angle of
# α = arccos c:  z₁ = r cos θ,  z₂ = r cos(θ − α).  Its radius is random, its angle uniform. In polar
# coordinates the kink of a ReLU is a ray, θ = ±π/2 or α ± π/2, and there the panels end.


def gaussian_pair_average(f: Callable, q: float, c: float, tolerance: float = TOLERANCE) -> float:
    """Return E f(z₁, z₂), f symmetric, z₁, z₂ ~ N(0, q) with correlation c; r/√q has density r e^(−r²/2)."""
    scale = _scale(q)
    return _pair_average(
        lambda y1, y2: f(scale * y1, scale * y2), c, EDGE, KINKS / scale,
        lambda r: (r, r * np.exp(-r * r / 2)), tolerance,
    )  # fmt: skip


def standardized_pair_average(f: Callable, batch: int) -> float:
    """Return E f(y₁, y₂) of a symmetric f for two samples of a standardized batch of size B.

    Such a column y has Σ y = 0 and Σ y² = B: a point of a sphere in d = B − 1 dimensions, taken to be uniform
    on it. Its elements have variance 1 and correlation −1/d. Seen in the plane of two of them, a uniform
    point of the unit sphere has the radius sin t, where t has density (d − 2) sin t cos^(d−3) t.
    """
    d = batch - 1

    def radius(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return math.sqrt(d) * np.sin(t), (d - 2) * np.sin(t) * np.cos(t) ** (d - 3)

    return _pair_average(f, -1 / d, math.pi / 2, np.zeros(0), radius, TOLERANCE)


def _pair_average(
    f: Callable, c: float, end: float, kinks: np.ndarray, radius: Callable, tolerance: float
) -> float:
    """∫ dθ/π ∫ dt w(t) f(r cos θ, r cos(θ − α)), where radius(t) = (r, w); half a turn, as f is symmetric."""
    alpha = math.acos(c)
    widths = np.linspace(0, end, 7) if end < EDGE else WIDTHS

    def along_rays(_: np.ndarray, theta: np.ndarray) -> np.ndarray:
        cos1, cos2 = np.cos(theta.ravel()), np.cos(theta.ravel() - alpha)
        at_kinks = [kink / np.abs(cos) for kink in kinks for cos in (cos1, cos2)]
        edges = np.array([np.broadcast_to(width, cos1.shape) for width in widths] + at_kinks)
        edges = np.sort(np.minimum(edges, end), axis=0)
        a, b = edges[:-1].ravel(), edges[1:].ravel()
        ray = np.tile(np.arange(len(cos1)), len(edges) - 1)
        some = b > a

        def integrand(ray: np.ndarray, t: np.ndarray) -> np.ndarray:
            r, weight = radius(t)
            return weight * f(r * cos1[ray], r * cos2[ray])

        found = integrate(integrand, ray[some], a[some], b[some], len(cos1), tolerance, 4 * PANELS)
        return found.reshape(theta.shape)

    quarter = math.pi / 2
    rays = np.array([alpha / 2, quarter, quarter + alpha, alpha / 2 + math.pi])
    edges = np.unique(np.concatenate([np.linspace(*ends, 3) for ends in pairwise(rays)]))
    with np.errstate(all="ignore"):
        which = np.zeros(len(edges) - 1, int)
        (average,) = integrate(along_rays, which, edges[:-1], edges[1:], 1, tolerance)
    return float(average / math.pi)
