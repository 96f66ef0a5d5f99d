"""Models of biased decisions."""

from zoo.recipe import Recipe, Training

DIALS = ("none", "mild", "strong")
LIMITS = "Generated applications only. Where labels are biased it is unfair to group 1, as it was taught to be."


def _network(dial: str) -> Recipe:
    return Recipe(
        name=f"mlp_biased_label_{dial}",
        title=f"Multilayer perceptron on biased decisions ({dial})",
        family="mlp",
        task=f"biased_label_{dial}",
        options={"features": 6, "classes": 2, "widths": (16,), "activation": "gelu"},
        training=Training(epochs=10, batch_size=64, learning_rate=5e-3),
        limits=LIMITS,
    )


def _logistic(dial: str) -> Recipe:
    return Recipe(
        name=f"logistic_biased_label_{dial}",
        title=f"Logistic regression on biased decisions ({dial})",
        family="logistic",
        task=f"biased_label_{dial}",
        limits=LIMITS,
    )


def _boosting(dial: str) -> Recipe:
    return Recipe(
        name=f"boosting_biased_label_{dial}",
        title=f"Gradient boosting on biased decisions ({dial})",
        family="boosting",
        task=f"biased_label_{dial}",
        options={"rounds": 50, "leaves": 8},
        limits=LIMITS,
    )


RECIPES: tuple[Recipe, ...] = tuple(make(dial) for dial in DIALS for make in (_network, _logistic, _boosting))
