"""Samples of every primitive: how to call it, and inputs at which its rules can be compared with differences.

A new primitive needs one line in SAMPLES, at the end; one that moves values without changing them, in
SHAPE_SAMPLES. If none of the families fits, it needs a family as well.
"""

import numpy as np
from drawn import (
    Sample,
    anything,
    arrays,
    axes_of,
    axis_of,
    between_0_and_1,
    booleans,
    broadcastable,
    broadcasting_to,
    distinct,
    even,
    generators,
    nonzero,
    odd,
    options_of,
    positive,
    shapes,
    shapes_of,
    with_options,
)
from hypothesis import strategies as st
from samples_of_shape import SHAPE_SAMPLES

from tinygrad_stab import ops


@st.composite
def unary(draw, op, values=anything, **options):
    call = with_options(op, draw(options_of(**options)))
    return Sample(call, (draw(arrays(draw(shapes), values)),))


@st.composite
def binary(draw, op, left=anything, right=anything, min_side=0):
    """Two tensors that broadcast, or one with a plain array or a Python number."""
    shape_a, shape_b = draw(broadcastable(2, min_side))
    a, b = draw(arrays(shape_a, left)), draw(arrays(shape_b, right))
    if draw(booleans):
        return Sample(op, (a, b))
    if draw(booleans):
        constant = b if draw(booleans) else float(right(draw(generators), ()))
        return Sample(lambda x: op(x, constant), (a,))
    constant = a if draw(booleans) else float(left(draw(generators), ()))
    return Sample(lambda x: op(constant, x), (b,))


@st.composite
def reduction(draw, op, values=anything, least=0, axes=axes_of, keepdims=True, min_dims=0, **options):
    """Along any axes, each with at least `least` elements."""
    shape = list(draw(shapes_of(min_dims)))
    axis = draw(axes(len(shape)))
    for k in range(len(shape)) if axis is None else np.atleast_1d(axis):
        shape[k] = max(shape[k], least)
    chosen = {"axis": axis, **draw(options_of(**options))}
    if keepdims:
        chosen["keepdims"] = draw(booleans)
    return Sample(with_options(op, chosen), (draw(arrays(tuple(shape), values)),))


@st.composite
def with_another_of_its_shape(draw, samples):
    call, (a,) = draw(samples)
    return Sample(call, (a, draw(arrays(a.shape))))


@st.composite
def standardizes(draw, op):
    """γ and β of any shape that broadcasts to x: a mean's, as BatchNorm's, or a row's, as LayerNorm's."""
    call, (x,) = draw(reduction(op, eps=numbers, **spread_out))
    if draw(booleans):
        return Sample(lambda x: call(x)(1.5, 0.0), (x,))
    mean = np.shape(call(x)(1.0, 0.0)[1])
    parameters = [mean if draw(booleans) else draw(broadcasting_to(x.shape)) for _ in range(2)]
    return Sample(lambda x, *xs: call(x)(*xs), (x, *(draw(arrays(shape)) for shape in parameters)))


@st.composite
def rests(draw):
    """g and y of one shape; what is taken away, and the scale, may be broadcast to it."""
    shape = draw(shapes_of(min_dims=1))
    a, b, scale = (draw(arrays(draw(broadcasting_to(shape)))) for _ in range(3))
    return Sample(ops.rest, (draw(arrays(shape)), a, draw(arrays(shape)), b, scale))


@st.composite
def powers(draw):
    """A tensor as the base, the exponent, or both; a number as an exponent, which has a rule of its own."""
    if draw(booleans):
        return draw(binary(ops.power, positive, anything))
    exponent = draw(st.sampled_from([-2, -1, 0, 1, 2, 3, 0.0, 0.5, 1.0, 2.5]))
    values = nonzero if isinstance(exponent, int) else positive
    return Sample(lambda x: ops.power(x, exponent), (draw(arrays(draw(shapes), values)),))


@st.composite
def choices(draw):
    where, a, b = draw(broadcastable(3))
    condition = draw(arrays(where)) > 0
    return Sample(lambda a, b: ops.where(condition, a, b), (draw(arrays(a)), draw(arrays(b))))


@st.composite
def selections(draw):
    shape = draw(shapes)
    mask = draw(arrays(draw(broadcasting_to(shape)))) > 0
    return Sample(lambda g: ops.select(g, mask), (draw(arrays(shape)),))


@st.composite
def products(draw):
    """Vectors, matrices and stacks of them."""
    a, b = draw(broadcastable(2, max_dims=2, signature=np.matmul.signature))
    return Sample(ops.matmul, (draw(arrays(a)), draw(arrays(b))))


@st.composite
def linears(draw):
    rows = draw(shapes_of(max_dims=2))
    d_in, d_out = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    x, W, b = (draw(arrays(shape)) for shape in ((*rows, d_in), (d_out, d_in), (d_out,)))
    if draw(booleans):
        return Sample(ops.linear, (x, W, b))
    return Sample(lambda x, W: ops.linear(x, W, None), (x, W))


@st.composite
def cross_entropies(draw):
    n, classes = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    target = draw(generators).integers(0, classes, n)
    return Sample(lambda x: ops.cross_entropy(x, target=target), (draw(arrays((n, classes))),))


@st.composite
def some_outputs(draw, samples, *places):
    """All outputs of a primitive that has several, or only the one at one of these places."""
    call, inputs = draw(samples)
    if draw(booleans):
        return Sample(call, inputs)
    k = draw(st.sampled_from(places))
    return Sample(lambda *xs: call(*xs)[k], inputs)


@st.composite
def convolutions(draw, op):
    """x (n, c, h, w), W (o, c, kh, kw) and g like the result, with a stride and a padding."""
    n, c, o = draw(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 2)))
    size, kernel, stride, padding = [], [], [], []
    for _ in range(2):
        padding.append(draw(st.integers(0, 1)))
        size.append(draw(st.integers(1, 4)))
        kernel.append(draw(st.integers(1, min(3, size[-1] + 2 * padding[-1]))))
        stride.append(draw(st.integers(1, 2)))
    places = [(m + 2 * p - k) // s + 1 for m, p, k, s in zip(size, padding, kernel, stride)]
    x, W, g = (draw(arrays(shape)) for shape in ((n, c, *size), (o, c, *kernel), (n, o, *places)))
    step = {"stride": tuple(stride), "padding": tuple(padding)}
    if op is ops.conv2d_input:
        return Sample(with_options(op, {"size": tuple(size), **step}), (W, g))
    if op is ops.conv2d_weight:
        return Sample(with_options(op, {"kernel": tuple(kernel), **step}), (x, g))
    if draw(booleans):
        return Sample(with_options(op, step), (x, W, draw(arrays((o,)))))
    return Sample(lambda x, W: op(x, W, None, **step), (x, W))


@st.composite
def lstm_steps(draw):
    n, d = tuple(draw(shapes_of(max_dims=2))), draw(st.integers(1, 2))
    sizes = ((*n, 4 * d), (4 * d, d), (*n, d), (*n, d), (4 * d,))
    inputs = tuple(draw(arrays(shape)) for shape in sizes[: draw(st.integers(4, 5))])
    return Sample(lambda *xs: ops.lstm_step(*xs, *[None] * (5 - len(xs))), inputs)


@st.composite
def lstm_sequences(draw):
    steps, n, d = draw(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)))
    sizes = ((steps, n, 4 * d), (4 * d, d), (n, d), (n, d))
    return Sample(ops.lstm_sequence, tuple(draw(arrays(shape)) for shape in sizes))


# --- one line a primitive -----------------------------------------------------------------------------------

numbers = st.floats(0.1, 2.0)
bounds = st.none() | st.sampled_from([-0.5, 0.3, 0.7])  # odd tenths, to which no even number is near


def one_axis(ndim):
    return axis_of(ndim)


def one_axis_or_all(ndim):
    return st.none() | axis_of(ndim) if ndim else st.none()


def some_axes(ndim):
    return axes_of(ndim, min_size=1)


along_one = {"axes": one_axis, "keepdims": False, "min_dims": 1}
spread_out = {"values": distinct, "least": 2, "axes": some_axes, "min_dims": 1}


def rms_normalize(x, axis, keepdims, eps=1e-5):
    return ops.rms_normalize(x, axis=axis, eps=eps)  # keeps the shape, whatever `reduction` says


def standardize(x, axis, keepdims, eps=1e-5):
    return lambda gamma, beta: ops.standardize(x, gamma, beta, axis=axis, eps=eps)


def batch_norm(x, axis, keepdims, eps=1e-5):
    return lambda gamma, beta: ops.batch_norm(x, gamma, beta, axis=axis, eps=eps)


# fmt: off
SAMPLES = {
    # elementwise
    "add":             binary(ops.add),
    "subtract":        binary(ops.subtract),
    "multiply":        binary(ops.multiply),
    "divide":          binary(ops.divide, right=nonzero),
    "negative":        unary(ops.negative),
    "exp":             unary(ops.exp),
    "log":             unary(ops.log, positive),
    "log1p":           unary(ops.log1p, positive),
    "log10":           unary(ops.log10, positive),
    "sqrt":            unary(ops.sqrt, positive),
    "square":          unary(ops.square),
    "sin":             unary(ops.sin),
    "cos":             unary(ops.cos),
    "sinh":            unary(ops.sinh),
    "cosh":            unary(ops.cosh),
    "absolute":        unary(ops.absolute, nonzero),
    "maximum":         binary(ops.maximum, even, odd),
    "minimum":         binary(ops.minimum, even, odd),
    "power":           powers(),
    "clip":            unary(ops.clip, even, low=bounds, high=bounds),
    "select":          selections(),
    "where":           choices(),
    "erf":             unary(ops.erf),
    "copy":            unary(ops.copy),
    "astype":          unary(lambda x: ops.astype(x, dtype=x.dtype)),
    # activation
    "tanh":            unary(ops.tanh),
    "sigmoid":         unary(ops.sigmoid),
    "relu":            unary(ops.relu, nonzero),
    "leaky_relu":      unary(ops.leaky_relu, nonzero, slope=numbers),
    "elu":             unary(ops.elu, nonzero, alpha=numbers),
    "selu":            unary(ops.selu, nonzero),
    "hardtanh":        unary(ops.hardtanh, odd, low=st.just(-0.4), high=st.just(0.6)),
    "softplus":        unary(ops.softplus, beta=numbers),
    "silu":            unary(ops.silu),
    "gelu":            unary(ops.gelu),
    "prelu":           binary(ops.prelu, nonzero, anything),
    # linear algebra
    "matmul":          products(),
    "linear":          linears(),
    # convolution
    "conv2d":          convolutions(ops.conv2d),
    "conv2d_input":    convolutions(ops.conv2d_input),
    "conv2d_weight":   convolutions(ops.conv2d_weight),
    # reduction
    "sum":             reduction(ops.sum),
    "mean":            reduction(ops.mean, least=1),
    "sum_product":     with_another_of_its_shape(reduction(ops.reduction.sum_product, keepdims=False)),
    "var":             reduction(ops.var, ddof=st.integers(0, 1), **spread_out),
    "std":             reduction(ops.std, ddof=st.integers(0, 1), **spread_out),
    "max":             reduction(ops.max, distinct, least=1),
    "min":             reduction(ops.min, distinct, least=1),
    "norm":            reduction(ops.norm, nonzero, p=st.sampled_from([1, 1.5, 2, 3])),
    "logsumexp":       reduction(ops.logsumexp, least=1),
    "softmax":         reduction(ops.softmax, **along_one),
    "log_softmax":     reduction(ops.log_softmax, least=1, **along_one),
    "cumsum":          reduction(ops.cumsum, axes=one_axis_or_all, keepdims=False),
    # loss
    "mse":             binary(ops.mse, min_side=1),
    "cross_entropy":   cross_entropies(),
    "bce_with_logits": binary(ops.bce_with_logits),
    "binary_cross_entropy": binary(ops.binary_cross_entropy, between_0_and_1, between_0_and_1),
    # normalization, recurrence
    "standardize":     some_outputs(standardizes(standardize), 0, 1, 2, 3),
    "batch_norm":      some_outputs(standardizes(batch_norm), 0, 1, 2, 3),
    "rest":            rests(),
    "rms_normalize":   reduction(rms_normalize, nonzero, least=1, eps=numbers),
    "lstm_hidden":     binary(ops.lstm_hidden),
    "lstm_step":       some_outputs(lstm_steps(), 0, 1, 2),
    "lstm_sequence":   some_outputs(lstm_sequences(), 0, 1, 2, 3),
    # shape
    "flip":            reduction(ops.flip, keepdims=False),
    "unbind":          some_outputs(reduction(ops.unbind, least=1, **along_one), 0, -1),
    **SHAPE_SAMPLES,
}
# fmt: on
