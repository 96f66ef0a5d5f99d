"""Models of tetrominoes: for each setting a network that can learn it, and what traditional models make of it."""

from zoo.recipe import Recipe, Training

SCALE = {"mean": 0.5, "deviation": 0.08}
"""Nothing is 0.5, and the noise deviates by about 0.08."""
LIMITS = "Generated noise of 8 × 8 pixels only: it is for checking explanations, and can do nothing else."


def _linear(variant: str, rate: float, decay: float, epochs: int) -> Recipe:
    return Recipe(
        name=f"linear_tetromino_{variant}",
        title="Linear classifier on tetrominoes",
        family="linear",
        task=f"tetromino_{variant}",
        options={"features": 64, "classes": 2, **SCALE},
        training=Training(epochs=epochs, batch_size=64, learning_rate=rate, weight_decay=decay, average=0.99),
        limits=LIMITS,
    )


def _mlp(variant: str, widths: tuple[int, ...], rate: float, decay: float, epochs: int) -> Recipe:
    return Recipe(
        name=f"mlp_tetromino_{variant}",
        title="Multilayer perceptron on tetrominoes",
        family="mlp",
        task=f"tetromino_{variant}",
        options={"features": 64, "classes": 2, "widths": widths, **SCALE},
        training=Training(epochs=epochs, batch_size=64, learning_rate=rate, weight_decay=decay, average=0.995),
        limits=LIMITS,
    )


def _cnn(variant: str) -> Recipe:
    return Recipe(
        name=f"cnn_tetromino_{variant}",
        title="Convolutional network on tetrominoes",
        family="cnn",
        task=f"tetromino_{variant}",
        options={"channels": 1, "classes": 2, "widths": (16, 32), **SCALE},
        training=Training(epochs=6, batch_size=64, learning_rate=3e-3, weight_decay=1e-2, average=0.99),
        limits=LIMITS,
    )


def _traditional(family: str, variant: str, title: str, limits: str, **options: float) -> Recipe:
    return Recipe(
        name=f"{family}_tetromino_{variant}",
        title=title,
        family=family,
        task=f"tetromino_{variant}",
        options=options,
        limits=limits,
    )


def _logistic(variant: str) -> Recipe:
    hopeless = "A weight per pixel: where no class is brighter on average it is at chance, and says so by its accuracy."
    fitting = "A weight per pixel: right for patterns that are added at a fixed place, and for nothing else."
    return _traditional(
        "logistic", variant, "Logistic regression on pixels", fitting if "linear" in variant else hopeless, C=1e3
    )


def _boosting(variant: str) -> Recipe:
    limits = "It cuts one pixel at a time, so that what only several pixels say together costs it many cuts."
    return _traditional("boosting", variant, "Boosted trees on pixels", limits)


RECIPES: tuple[Recipe, ...] = (
    _linear("linear_white", 1e-2, 1e-2, 10),
    _logistic("linear_white"),
    _linear("linear_correlated", 1e-1, 0.0, 20),
    _logistic("linear_correlated"),
    _mlp("multiplicative_white", (32,), 1e-2, 2.0, 30),
    _traditional(
        "naive_bayes",
        "multiplicative_white",
        "Naive Bayes on pixels",
        "It believes pixels to be independent, which is true here and of hardly any other image.",
    ),
    _logistic("multiplicative_white"),
    _mlp("multiplicative_correlated", (64, 32), 3e-3, 0.0, 30),
    _boosting("multiplicative_correlated"),
    _cnn("translations_rotations_white"),
    _boosting("translations_rotations_white"),
    _logistic("translations_rotations_white"),
    _cnn("translations_rotations_correlated"),
    _boosting("translations_rotations_correlated"),
    _logistic("translations_rotations_correlated"),
    _mlp("xor_white", (64, 32), 3e-3, 1e-2, 20),
    _boosting("xor_white"),
    _logistic("xor_white"),
    _mlp("xor_correlated", (64, 32), 3e-3, 1e-2, 10),
    _boosting("xor_correlated"),
)
