"""Models of planted functions."""

from zoo.recipe import Recipe, Training

LIMITS = "Generated numbers only: it knows one function between −1 and 1 and nothing beyond that range."
COLUMNS = {"features": 8, "classes": 1}


def _network(function: str) -> Recipe:
    """A multilayer perceptron, smooth except where the function has an edge."""
    return Recipe(
        name=f"mlp_planted_functions_{function}",
        title=f"Multilayer perceptron on a planted function ({function})",
        family="mlp",
        task=f"planted_functions_{function}",
        options={**COLUMNS, "widths": (48, 48), "activation": "relu" if function == "max" else "gelu"},
        training=Training(epochs=30, batch_size=64, learning_rate=5e-3, average=0.99),
        limits=LIMITS,
    )


def _boosting(function: str) -> Recipe:
    return Recipe(
        name=f"boosting_planted_functions_{function}",
        title=f"Gradient boosting on a planted function ({function})",
        family="boosting",
        task=f"planted_functions_{function}",
        options={"rounds": 400, "leaves": 8},
        limits=f"{LIMITS} It is constant between its cuts, so it follows the function in steps.",
    )


FUNCTIONS = ("linear", "product", "max", "sine", "additive")

RECIPES: tuple[Recipe, ...] = (
    *(make(function) for function in FUNCTIONS for make in (_network, _boosting)),
    Recipe(
        name="linear_planted_functions_linear",
        title="Linear regression by gradient descent on a planted function (linear)",
        family="linear",
        task="planted_functions_linear",
        options=COLUMNS,
        training=Training(epochs=8, batch_size=64, learning_rate=3e-2),
        limits=LIMITS,
    ),
    Recipe(
        name="ridge_planted_functions_linear",
        title="Ridge regression on a planted function (linear)",
        family="ridge",
        task="planted_functions_linear",
        limits=LIMITS,
    ),
    Recipe(
        name="ridge_planted_functions_product",
        title="Ridge regression on a planted function (product)",
        family="ridge",
        task="planted_functions_product",
        limits="It is here to fail: no weighted sum is anything like a product, and its attributions say nothing.",
    ),
)
