"""The story: every experiment has its place in it, and what is said of each rests on claims that are made."""

import re

import pytest

from demos import LECTURE
from demos.arc import ACTS, APPENDIX, CHAPTERS, label, scene_of
from demos.chapters import text
from demos.cli import every_name
from demos.corrections import filled
from demos.experiment import Claim, Within, load

SCENES = [scene for act in ACTS for scene in act.scenes]


def test_six_acts_and_an_appendix_hold_every_experiment_once():
    assert [label(act) for act in ACTS] == [*(f"Act {k}" for k in range(1, 7)), "Appendix"]
    assert ACTS[-1] is APPENDIX
    told = [name for act in ACTS for name in act.experiments]
    assert sorted(told) == sorted(every_name())
    assert tuple(scene.experiment for scene in SCENES) == LECTURE
    assert LECTURE[0] == "he_vs_xavier_depth", "the hook"
    assert all(text(name) for name in CHAPTERS)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_an_act_opens_with_a_question_and_closes_with_one_sentence(act):
    assert act.question.endswith("?")
    assert re.fullmatch(r"[A-Z][^.?!]*(\d\.\d[^.?!]*)*\.", act.closing)
    assert len(act.closing) < 140, "it stands on a slide of its own"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.experiment)
def test_a_scene_asks_and_says_in_one_sentence_each(scene):
    assert len(scene.asks) <= 105, "it is the title of a slide"
    assert scene.asks[-1] in "?."
    for said in (scene.predicts, scene.shows):
        assert said.endswith(".")
        assert len(re.sub("{.*?}", "0.123", said)) < 200
    assert re.search("{.*?}", scene.shows), "a measurement says more than words"
    assert scene_of(scene.experiment) is scene


def test_a_name_that_stands_beside_the_lecture_has_no_scene():
    assert scene_of("born_dead") is None


@pytest.mark.parametrize("name", ["weight_grad_trap", "pytorch_default_trap"])
def test_what_a_scene_says_is_filled_from_the_claims_of_the_run(name):
    scene, experiment = scene_of(name), load(name)
    claims = experiment.run(experiment.fast()).claims
    for said, measured in ((scene.predicts, False), (scene.shows, True)):
        assert filled(said, claims, measured)
        assert "{" not in filled(said, claims, measured)
    assert filled(scene.shows, claims[:1]) == "", "a claim is missing"


def test_a_prediction_is_not_what_was_measured():
    claim = Claim("a", [3.0], 2.0, Within(0.1), "a formula", "a reason")
    assert filled("It is {a}.", [claim], measured=False) == "It is <b>2</b>."
    assert filled("It is {a}.", [claim]) == "It is <b>3</b>. <b>Not confirmed by this run.</b>"
