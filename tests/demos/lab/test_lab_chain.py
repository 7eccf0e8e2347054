"""Chain rule: the steps on the page add up to what autograd and finite differences say."""

import math

import pytest

import tinygrad_stab as torch
from demos.lab import chain
from demos.lab.state import run


def told(address):
    parts = chain.SCREEN.answer(chain.SCREEN.read(address), lambda: None)
    return {key: value for part in parts for key, value in part.items()}


@pytest.mark.parametrize("phi", chain.PHI)
@pytest.mark.parametrize("expression", chain.EXPRESSIONS)
def test_steps_end_where_autograd_and_differences_are(expression, phi):
    state = chain.SCREEN.read("") | {"expression": expression, "phi": phi, "w2": 0.3, "x1": 0.75}
    answer = told(chain.SCREEN.address(state))
    totals = {p["to"]: p["total"] for step in answer["steps"] for p in step["products"]}
    made = run(chain.lines(state))
    leaves = chain.leaves_of(chain.EXPRESSIONS[expression])
    for leaf, g in zip(leaves, made["gradients"]):
        assert math.isclose(totals[leaf], g.item(), rel_tol=1e-12)
        assert math.isclose(answer["differences"][leaf], g.item(), rel_tol=1e-6, abs_tol=1e-8)
    for node in answer["nodes"]:
        assert node["value"] == pytest.approx(made[node["name"]].item())
        if node["name"] != "L":
            assert math.isclose(totals[node["name"]], answer["gradients"][node["name"]], rel_tol=1e-12)


def test_every_rule_is_the_ops_own_line():
    for step in told("")["steps"]:
        assert step["line"].startswith(f"{step['op']} ")
        assert "ops/" in step["line"]
        assert all("∂L/∂" in product["rule"] for product in step["products"])


def test_where_two_ways_meet_they_are_added():
    products = [
        p for step in told("expression=φ(x) · x")["steps"] for p in step["products"] if p["to"] == "x1"
    ]
    first, second = products
    assert first["before"] is None
    assert second["before"] == first["product"]
    assert second["total"] == first["product"] + second["product"]
    x = torch.tensor(1.0, dtype=torch.float64)
    assert math.isclose(second["total"], (torch.tanh(x) + x * (1 - torch.tanh(x) ** 2)).item())


def test_division_by_zero_is_shown_as_what_it_is(client):
    answer = client.answer("/ask/chain?expression=(x %2B w) / x&x1=0")
    assert answer["nodes"][-1]["value"] == math.inf


def test_no_two_values_share_a_place():
    for expression in chain.EXPRESSIONS:
        nodes = told(f"expression={expression}".replace("+", "%2B"))["nodes"]
        assert len({(node["column"], node["row"]) for node in nodes}) == len(nodes)
        column = {node["name"]: node["column"] for node in nodes}
        assert all(column[part] < column[node["name"]] for node in nodes for part in node["of"])
