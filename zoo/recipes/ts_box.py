"""Models of boxes in noise."""

from zoo.recipe import Recipe, Training

LIMITS = "Generated series only: it knows one box in one kind of noise and nothing of measured series."
LEARNING = Training(epochs=6, batch_size=64, learning_rate=3e-3, weight_decay=1e-2, clip_norm=1.0)


def _features(task: str) -> Recipe:
    """The traditional model of a variant."""
    return Recipe(
        name=f"series_features_{task}",
        title="Logistic regression on statistics of each feature",
        family="series_features",
        task=task,
        options={"C": 0.01},
        limits=LIMITS,
    )


def _recurrent(task: str, cell: str, **options: object) -> Recipe:
    return Recipe(
        name=f"{cell}_{task}",
        title=f"{'Gated recurrent network' if cell == 'gru' else 'Long short-term memory'} on a box in noise",
        family="rnn",
        task=task,
        options={"features": 25, "classes": 2, "cell": cell, "state": 32, **options},
        training=LEARNING,
        limits=LIMITS,
    )


def _convolutional(task: str) -> Recipe:
    return Recipe(
        name=f"cnn1d_{task}",
        title="Convolutional network over time on a box in noise",
        family="cnn1d",
        task=task,
        options={"features": 25, "classes": 2, "width": 32, "layers": 3},
        training=LEARNING,
        limits=LIMITS,
    )


def _attentive(task: str) -> Recipe:
    return Recipe(
        name=f"transformer_{task}",
        title="Transformer on a box in noise",
        family="series_transformer",
        task=task,
        options={"features": 25, "classes": 2, "steps": 25, "hidden": 32, "inner": 64, "layers": 1},
        training=LEARNING,
        limits=LIMITS,
    )


RECIPES: tuple[Recipe, ...] = (
    _features("ts_box"),
    _recurrent("ts_box", "gru"),
    _attentive("ts_box"),
    _features("ts_box_moving"),
    _recurrent("ts_box_moving", "lstm", pooling="max"),
    _features("ts_box_rare_time"),
    _convolutional("ts_box_rare_time"),
    _recurrent("ts_box_rare_time", "gru", both=True),
    _features("ts_box_rare_feature"),
    _attentive("ts_box_rare_feature"),
    _features("ts_box_positional_time"),
    _recurrent("ts_box_positional_time", "gru"),
    _features("ts_box_harmonic"),
    _convolutional("ts_box_harmonic"),
    _features("ts_box_moving_autoregressive"),
    _convolutional("ts_box_moving_autoregressive"),
    _features("ts_box_rare_time_pseudo_periodic"),
    _attentive("ts_box_rare_time_pseudo_periodic"),
)
