"""One example of every record type, made by hand: what storage, figures and reports are tested with."""

import numpy as np

from workbench.records import (
    Attribution,
    Column,
    Counterfactual,
    Curve,
    Embedding,
    Evidence,
    Gallery,
    Grade,
    League,
    Matrix,
    Output,
    Reason,
    Record,
    Score,
    Surface,
    Table,
    Target,
)

GENERATOR = 20


def described(count: int, **changes: object) -> dict[str, object]:
    """The fields of an attribution that do not depend on the kind of its samples."""
    fields: dict[str, object] = {
        "method": "integrated_gradients",
        "parameters": {"n_steps": 32, "reference": "zero", "nested": {"pair": (1, 2.5)}},
        "target": Target(of="predicted", output=Output.LOGIT),
        "classes": np.arange(count) % 2,
        "class_names": tuple("ab"[i % 2] for i in range(count)),
        "subject": "cnn_example",
        "sample_ids": tuple(f"test:{i}" for i in range(count)),
        "f_x": np.linspace(4.0, 5.0, count),
        "f_reference": np.linspace(0.5, 0.75, count),
        "predicted": np.arange(count) % 2,
        "predicted_names": tuple("ab"[i % 2] for i in range(count)),
        "probability": np.full(count, 0.97),
        "labels": np.zeros(count, dtype=np.int64),
        "label_names": ("a",) * count,
        "seed": 0,
        "seconds": 0.25,
        "forward_passes": 33 * count,
        "backward_passes": 32 * count,
        "claims": ("completeness", "dummy"),
        "provenance": {
            "weights_sha256": "ab" * 32,
            "torch": "2.13.0",
            "missing": None,
            "odd": (float("nan"), (float("inf"),)),
        },
    }
    return fields | changes


def image(count: int = 2, channels: int = 1, size: int = 8, **changes: object) -> Attribution:
    """An attribution of images, its evidence a square in the middle."""
    generator = np.random.default_rng(GENERATOR)
    evidence = np.zeros((count, size, size), dtype=bool)
    evidence[:, 2:5, 3:6] = True
    fields: dict[str, object] = {
        "values": generator.normal(size=(count, channels, size, size)).astype(np.float32),
        "axes": ("sample", "channel", "height", "width"),
        "inputs": generator.random((count, channels, size, size)).astype(np.float32),
        "evidence": evidence,
    }
    return Attribution(**(described(count) | fields | changes))  # type: ignore[arg-type]


SENTENCE = ("not", "a", "bad", "fi", "lm", ",", "but", "<b>never</b>", "a", "good", "one")
WORDS = (0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, -1)


def text(count: int = 1, **changes: object) -> Attribution:
    """An attribution of a sentence whose fourth word has two tokens and whose last position is padding."""
    values = np.array([-1.2, 0.0, -0.8, 0.25, 0.5, 0.0, 0.1, -1.75, 0.05, 0.9, 0.2, 0.0], dtype=np.float32)
    fields: dict[str, object] = {
        "values": np.tile(values, (count, 1)),
        "axes": ("sample", "token"),
        "inputs": np.tile(np.array([*range(5, 16), 0]), (count, 1)),
        "tokens": ((*SENTENCE, ""),) * count,
        "words": (WORDS,) * count,
        "texts": ("not a bad film, but <b>never</b> a good one",) * count,
    }
    return Attribution(**(described(count) | fields | changes))  # type: ignore[arg-type]


def tabular(**changes: object) -> Attribution:
    """An attribution of one row of a table."""
    fields: dict[str, object] = {
        "values": np.array([[0.5, -1.5, 0.0, 0.25]]),
        "axes": ("sample", "feature"),
        "inputs": np.array([[36.6, 2.0, 0.0, 1.25]]),
        "feature_names": ("temperature", "doses", "smoker", "ratio"),
    }
    return Attribution(**(described(1) | fields | changes))  # type: ignore[arg-type]


def series(**changes: object) -> Attribution:
    """An attribution of one series of two channels."""
    generator = np.random.default_rng(GENERATOR)
    fields: dict[str, object] = {
        "values": generator.normal(size=(1, 2, 40)),
        "axes": ("sample", "channel", "time"),
        "inputs": np.sin(np.arange(80).reshape(1, 2, 40) / 5),
    }
    return Attribution(**(described(1) | fields | changes))  # type: ignore[arg-type]


def evidence(grade: Grade = Grade.MIXED, sample: str = "test:0", method: str = "integrated_gradients") -> Evidence:
    """Evidence with one check that holds and one that fails."""
    return Evidence(
        subject="cnn_example",
        method=method,
        sample_id=sample,
        grade=grade,
        reasons=(
            Reason(check="completeness", holds=True, sentence="The values add up to f(x) − f(x′) within 0.2 %."),
            Reason(check="deletion", holds=False, sentence="Deletion 0.41 is no better than the control's 0.40."),
        ),
    )


def score() -> Score:
    generator = np.random.default_rng(GENERATOR)
    return Score(
        metric="deletion",
        subject="cnn_example",
        method="integrated_gradients",
        category="faithfulness",
        higher_is_better=False,
        unit="share of f(x) − f(x′)",
        values=generator.uniform(0.1, 0.4, 16),
        control=generator.uniform(0.4, 0.6, (16, 10)),
        sample_ids=tuple(f"test:{i}" for i in range(16)),
        low=0.2,
        high=0.3,
        parameters={"steps": 16},
        excluded=1,
        why="One sample is already at its reference.",
    )


def curve(lines: int = 3, **changes: object) -> Curve:
    x = np.linspace(0, 1, 17)
    fields: dict[str, object] = {
        "title": "Deletion",
        "x": x,
        "y": np.stack([np.exp(-(i + 1) * x) for i in range(lines)]),
        "labels": ("Integrated gradients", "Gradient", "Random", "Occlusion")[:lines],
        "x_title": "share of features deleted",
        "y_title": "f, logits",
        "band": np.stack([np.exp(-3 * x) - 0.1, np.exp(-3 * x) + 0.1]),
        "band_label": "random orders",
    }
    return Curve(**(fields | changes))  # type: ignore[arg-type]


def matrix() -> Matrix:
    return Matrix(
        title="Agreement of methods",
        values=np.array([[1.0, 0.4, -0.2], [0.4, 1.0, 0.1], [-0.2, 0.1, 1.0]]),
        rows=("Gradient", "Occlusion", "Random"),
        columns=("Gradient", "Occlusion", "Random"),
        row_title="method",
        column_title="method",
        unit="rank correlation",
    )


def surface() -> Surface:
    x, y = np.linspace(-1, 1, 21), np.linspace(-1, 1, 17)
    return Surface(
        title="Loss surface",
        loss=0.02 + x[None, :] ** 2 + 3 * y[:, None] ** 2,
        x=x,
        y=y,
        directions="two random directions",
        scale="filter-normalised",
        path=np.array([[0.9, 0.8], [0.6, 0.3], [0.2, -0.1], [0.0, 0.0]]),
    )


def embedding() -> Embedding:
    generator = np.random.default_rng(GENERATOR)
    labels = tuple("abc"[i % 3] for i in range(60))
    offset = np.array([[4 * "abc".index(label), (-1) ** i] for i, label in enumerate(labels)])
    return Embedding(
        points=generator.normal(size=(60, 2)) + offset,
        labels=labels,
        ids=tuple(f"test:{i}" for i in range(60)),
        share=np.array([0.42, 0.17]),
    )


def counterfactual() -> Counterfactual:
    generator = np.random.default_rng(GENERATOR)
    before = generator.random((1, 8, 8))
    after = before.copy()
    after[:, 2:4, 2:4] = 0
    return Counterfactual(
        sample_id="test:0",
        before=before,
        after=after,
        before_name="nine",
        after_name="four",
        before_probability=0.98,
        after_probability=0.55,
        distance=1.25,
        changed="4 pixels set to zero",
    )


def league(**changes: object) -> League:
    """Two methods and a control by three metrics, one of which does not apply to all."""
    nan = np.nan
    mean = np.array([[0.21, 0.8, nan], [0.30, 0.7, 2.5], [0.44, 0.7, 40.0]])
    fields: dict[str, object] = {
        "title": "How far each method can be trusted on cnn_example",
        "subject": "cnn_example",
        "methods": ("integrated_gradients", "occlusion", "random"),
        "method_titles": ("Integrated gradients", "Occlusion", "Random (control)"),
        "controls": (False, False, True),
        "metrics": ("deletion", "insertion", "sparseness"),
        "metric_titles": ("Deletion", "Insertion", "Sparseness"),
        "categories": ("faithfulness", "faithfulness", "complexity"),
        "units": ("probability", "probability", "%"),
        "higher_is_better": (False, True, True),
        "mean": mean,
        "low": mean - 0.05,
        "high": mean + 0.05,
        "rank": np.array([[1, 1, 0], [2, 1, 2], [3, 1, 1]]),
        "against": np.array([[1, 0, 0], [1, 0, -1], [0, 0, 0]]),
        "counts": np.array([[16, 16, 0], [16, 16, 16], [16, 16, 16]]),
        "milliseconds": np.array([3.0, 20.0, 0.1]),
        "passes": np.array([64.0, 50.0, 0.0]),
        "note": "Means over 16 samples with 95 % intervals.",
        "settings": {"integrated_gradients": "ab12cd34"},
    }
    return League(**(fields | changes))  # type: ignore[arg-type]


def table() -> Table:
    nan = np.nan
    return Table(
        title="Models of digits",
        columns=(
            Column(title="Model"),
            Column(title="Accuracy", unit="%", higher_is_better=True, digits=1),
            Column(title="Predict", unit="ms", higher_is_better=False, digits=2),
            Column(title="Parameters", digits=0),
        ),
        rows=(("cnn_digits", 98.9, 0.31, 20_000), ("svm_digits", 97.0, 0.5, None), ("<i>odd</i>", 91.3, nan, 650)),
        low=np.array([[nan, 98.1, nan, nan], [nan, 95.6, nan, nan], [nan, nan, nan, nan]]),
        high=np.array([[nan, 99.5, nan, nan], [nan, 98.0, nan, nan], [nan, nan, nan, nan]]),
        note="Intervals are 95 % over samples.",
    )


def gallery(shape: tuple[int, ...], axes: tuple[str, ...], planted: bool = True, **changes: object) -> Gallery:
    """Samples of any kind; the evidence, where there is any, is every entry above a half."""
    inputs = np.random.default_rng(GENERATOR).random(shape)
    marked = inputs.max(1) if "channel" in axes else inputs
    fields: dict[str, object] = {
        "title": "Samples",
        "inputs": inputs,
        "axes": ("sample", *axes),
        "sample_ids": tuple(f"test:{i}" for i in range(len(inputs))),
        "captions": tuple(("<b>nine</b>", "four")[i % 2] for i in range(len(inputs))),
        "evidence": marked > 0.5 if planted else None,
    }
    return Gallery(**(fields | changes))  # type: ignore[arg-type]


def galleries() -> dict[str, Record]:
    """Samples of every kind."""
    names = tuple(f"column {i}" for i in range(5))
    return {
        "images": gallery((9, 3, 8, 8), ("channel", "height", "width")),
        "lines": gallery((6, 20, 2), ("time", "feature")),
        "maps": gallery((3, 20, 12), ("time", "feature")),
        "rows": gallery((6, 5), ("feature",), feature_names=names),
        "wide rows": gallery((4, 30), ("feature",), planted=False),
        "plane": gallery((40, 2), ("feature",), planted=False),
        "sentences": gallery((2, 11), ("token",), tokens=(SENTENCE, SENTENCE)),
    }


def examples() -> dict[str, Record]:
    """At least one record of every type, by a name for the test's report."""
    made: dict[str, Record] = {
        "image": image(),
        "rgb": image(channels=3, size=12),
        "text": text(),
        "tabular": tabular(),
        "series": series(),
        "bare": image(evidence=None, seed=None, f_reference=np.full(2, np.nan)),
        "score": score(),
        "evidence": evidence(),
        "curve": curve(),
        "matrix": matrix(),
        "surface": surface(),
        "embedding": embedding(),
        "counterfactual": counterfactual(),
        "table": table(),
        "league": league(),
    }
    return made | galleries()
