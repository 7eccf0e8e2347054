"""A study of three choices: every combination, like with like, NaN never the best."""

import math
from itertools import product
from statistics import mean, median

import tinygrad_stab as torch
from demos.exercises.checking import Answers, NotYet, choose, compare

RATES, STARTS, NORMS, SEEDS = (0.1, 0.2), (1.0, 2.0, 3.0), ("none", "LayerNorm"), (3, 4, 5)


def check_study(answers: Answers) -> None:
    """study tries every combination, with the random numbers of every seed"""
    calls: dict[tuple, list[float]] = {}

    def learn(lr: float, start: float, norm: str) -> float:
        draw = torch.rand(1).item()
        calls.setdefault((lr, start, norm), []).append(draw)
        return lr + start + len(norm) + draw**3

    found = answers["study"](learn, RATES, STARTS, NORMS, SEEDS)
    _check_keys(found)
    for key, draws in calls.items():
        if len(draws) != len(SEEDS):
            raise NotYet(
                f"{key} was run {len(draws)} times; once for each of the {len(SEEDS)} seeds was asked for."
            )
        if sorted(draws) != sorted(map(_first_draw, SEEDS)):
            raise NotYet(
                "runs differ in their random numbers, so the study compares luck as well as choices. Call "
                "torch.manual_seed(seed) right before each call of learn, not once at the beginning."
            )
    draws = [_first_draw(seed) ** 3 for seed in SEEDS]
    for key, loss in found.items():
        base = key[0] + key[1] + len(key[2])
        mistakes = {
            "it is the mean. One run that diverges makes it NaN; take the median.": base + mean(draws),
            "it is the best of the seeds. That is luck, which the median is not.": base + min(draws),
            "it is the worst of the seeds; take the median.": base + max(draws),
            "it is the last seed alone; take the median of all.": base + draws[-1],
            "it is the sum over the seeds; take the median.": 3 * base + sum(draws),
        }
        compare(f"the loss of {key}", loss, base + median(draws), mistakes)


def _first_draw(seed: int) -> float:
    torch.manual_seed(seed)
    return torch.rand(1).item()


def _check_keys(found: dict) -> None:
    if not isinstance(found, dict):
        raise NotYet(f"study returns {type(found).__name__}, not a dictionary {{(lr, start, norm): loss}}.")
    wanted = set(product(RATES, STARTS, NORMS))
    if set(found) == set(zip(RATES, STARTS, NORMS)):
        raise NotYet("zip takes the first of each, then the second; itertools.product takes each with each.")
    if missing := wanted - set(found):
        count = f"{len(missing)} of {len(wanted)} combinations are missing, {min(missing)} among them"
        raise NotYet(f"{count}. The keys are (lr, start, norm), in this order.")
    if more := set(found) - wanted:
        raise NotYet(f"there is a combination that was not asked for: {next(iter(more))}.")


FOUND = {
    (0.1, 1.0, "none"): math.nan, (0.1, 2.0, "none"): 0.9, (0.2, 1.0, "none"): 2.0, (0.2, 2.0, "none"): 1.5,
    (0.1, 1.0, "LN"): 0.5, (0.1, 2.0, "LN"): 0.3, (0.2, 1.0, "LN"): 0.4, (0.2, 2.0, "LN"): math.inf,
}  # fmt: skip


def check_best(answers: Answers) -> None:
    """best is the lowest loss, and never NaN"""
    found, right = answers["best"](dict(FOUND)), (0.1, 2.0, "LN")
    if found == FOUND[right]:
        raise NotYet("that is the loss; return the combination, which is the key.")
    if found not in FOUND:
        raise NotYet(f"best returns {found!r}, which is none of the combinations.")
    if math.isnan(FOUND[found]):
        why = "nothing is smaller than NaN, so min() keeps it if it comes first"
        raise NotYet(f"NaN won: {why}. Leave out what is not finite before you compare.")
    if math.isinf(FOUND[found]) or FOUND[found] == 2.0:
        raise NotYet("that is the highest loss; the lowest is the best.")
    if found != right:
        raise NotYet(f"best returns {found}, with a loss of {FOUND[found]}; {right} has {FOUND[right]}.")


def check_worst_start(answers: Answers) -> None:
    """worst_start is the maximum over the starts of the minimum over the rates"""
    none = {
        "it is the best of all, min over starts and rates. Take the worst start.": 0.9,
        "it is the worst rate of the best start: choose a rate for each start, then the start.": 1.5,
        "it is NaN: leave out runs that diverged.": math.nan,
    }
    compare('worst_start(found, "none")', answers["worst_start"](dict(FOUND), "none"), 2.0, none)
    ln = {
        "it is the best of all, min over starts and rates. Take the worst start.": 0.3,
        "it is infinite: for each start, the best rate is to be chosen first.": math.inf,
        "it is the worst of all that is finite; choose the best rate for each start first.": 0.5,
        "it counts other normalizations as well: use only the keys with this one.": 2.0,
    }
    compare('worst_start(found, "LN")', answers["worst_start"](dict(FOUND), "LN"), 0.4, ln)


def check_question(answers: Answers) -> None:
    """which of the two forgives a bad start"""
    hint = "Compare worst_start(found, norm) for the two, as your study finds it: the lower one forgives."
    choose("FORGIVES", answers["FORGIVES"], "BatchNorm", ("none", "BatchNorm"), hint)


CHECKS = (check_study, check_best, check_worst_start, check_question)
