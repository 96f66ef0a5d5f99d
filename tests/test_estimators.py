"""Stored traditional models: the same fit gives the same bytes, and no file makes code run."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from skops.io import dumps

import zoo
from zoo.errors import InputError
from zoo.estimators import from_bytes, to_bytes
from zoo.loading import fitted, unfitted
from zoo.recipes import RECIPES

DIGEST = (
    "import hashlib; from zoo.estimators import to_bytes; from zoo.loading import fitted, task; "
    "from zoo.recipes import RECIPES; plan = RECIPES['logistic_digits']; subject = task('digits'); "
    "model = fitted(plan, subject.samples('train').take(range(200)), subject); "
    "print(hashlib.sha256(to_bytes(model.state())).hexdigest())"
)


def test_a_model_that_was_stored_answers_as_before():
    plan, task = RECIPES["logistic_digits"], zoo.task("digits")
    model = fitted(plan, task.samples("train").take(range(200)), task)
    again = unfitted(plan)
    again.restore(from_bytes(to_bytes(model.state()), "x"), task)
    inputs = task.samples("test").inputs[:50]
    assert torch.equal(model.logits(inputs), again.logits(inputs))


def test_the_same_fit_gives_the_same_bytes_in_any_process():
    found = {
        subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True, timeout=60).stdout
        for _ in range(2)
    }
    assert len(found) == 1


class Evil:
    """An object whose unpickling would run a command."""

    def __reduce__(self):
        return os.system, ("echo harm",)


@pytest.mark.parametrize("state", [{"fitted": os.system}, {"fitted": Evil()}, {"fitted": np.load}])
def test_a_malicious_file_is_refused(state):
    with pytest.raises(InputError, match="not a skops file of trusted types"):
        from_bytes(dumps(state), "zoo/weights/x.skops")
    with pytest.raises(InputError):
        to_bytes(state)


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_such_file_is_refused_in_one_sentence(content):
    with pytest.raises(InputError, match=r"zoo/weights/x\.skops is not a skops file") as caught:
        from_bytes(content, "zoo/weights/x.skops")
    assert "\n" not in str(caught.value)


def test_trees_are_not_stored_since_their_nodes_would_have_to_be_trusted():
    forest = RandomForestClassifier(2).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(InputError, match="Tree"):
        to_bytes({"fitted": forest})
    assert from_bytes(to_bytes({"fitted": LogisticRegression()}), "x")["fitted"].C == 1.0
