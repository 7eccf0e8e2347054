"""Check what a student wrote, and say what is wrong: still empty, the shape, the value, a known mistake."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from textwrap import fill
from typing import Any

import numpy as np

import tinygrad_stab as torch
from demos.experiment import default_dtype

Answers = Mapping[str, Any]  # the names that the student's file defines


class NotYet(Exception):
    """What is wrong with an answer, in words that help."""


def examine(name: str, answers: Answers) -> bool:
    """Run the checks of an exercise on these answers, print what they find; return whether all is right.

    A check is a function whose docstring says what is checked. Each starts from the same random numbers.
    """
    checks = import_module(f"demos.exercises.checks.{name}").CHECKS
    print(f"\n{name}")
    found = [_examine(check, answers) for check in checks]
    print(f"  {'All of it is right.' if all(found) else f'{sum(found)} of {len(found)} parts are right.'}")
    return all(found)


def _examine(check: Callable[[Answers], None], answers: Answers) -> bool:
    torch.manual_seed(0)
    said = ""
    try:
        with default_dtype(torch.float64):
            check(answers)
    except NotYet as wrong:
        said = str(wrong)
    except NotImplementedError:
        said = "This part is still empty: write it where the file says “yours”."
    except Exception as error:  # whatever a student's code may raise is told, not thrown
        said = f"It stops with {type(error).__name__}: {error}{_place(error, answers)}."
    print(f"  {'not yet' if said else 'right  '}  {check.__doc__}")
    if said:
        print(fill(said, 96, initial_indent=" " * 11, subsequent_indent=" " * 11))
    return not said


def _place(error: Exception, answers: Answers) -> str:
    """The line of the student's file in which it happened."""
    file = answers.get("__file__")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f", from line {lines[-1]} of your file" if lines else ""


def compare(what: str, found: Any, right: Any, mistakes: Mapping[str, Any], rtol: float = 1e-9) -> None:
    """Raise NotYet if an answer is not the right one; if it is a known mistake, by its name.

    `mistakes` has under every description the value to which that mistake leads.
    """
    returned(what, found)
    found, right = (np.asarray(x) for x in (found, right))
    for mistake, wrong in mistakes.items():
        if _same(found, np.asarray(wrong), rtol) and not _same(right, np.asarray(wrong), rtol):
            raise NotYet(f"{what}: {mistake}")
    if found.shape != right.shape:
        raise NotYet(f"{what} has the shape {found.shape}; it should have {right.shape}.")
    if not np.isfinite(found).all():
        raise NotYet(
            f"{what} has {np.count_nonzero(~np.isfinite(found))} of {found.size} values that are not finite."
        )
    if not _same(found, right, rtol):
        k = np.unravel_index(np.argmax(np.abs(found - right)), right.shape)
        where = f" at {tuple(map(int, k))}" if k else ""
        digits = 6 if f"{found[k]:.6g}" != f"{right[k]:.6g}" else 15
        raise NotYet(f"{what} is {found[k]:.{digits}g}{where}; it should be {right[k]:.{digits}g}.")


def returned(what: str, found: Any) -> None:
    """Raise NotYet if there is no answer."""
    if found is None:
        raise NotYet(f"{what} is None: a `return` is missing.")


def _same(a: np.ndarray, b: np.ndarray, rtol: float) -> bool:
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return False
    size = np.abs(b[np.isfinite(b)]).max(initial=0)
    return np.allclose(a, b, rtol=rtol, atol=rtol * size, equal_nan=True)


def choose(what: str, found: Any, right: str, options: tuple[str, ...], hint: str) -> None:
    """Raise NotYet if the answer to a question is not the right one of its options."""
    if found is None:
        raise NotImplementedError
    if found not in options:
        raise NotYet(f"{what} is {found!r}; choose one of {', '.join(map(repr, options))}.")
    if found != right:
        raise NotYet(f"{what} is not {found!r}. {hint}")
