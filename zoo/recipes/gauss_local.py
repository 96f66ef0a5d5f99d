"""Models of local rules in Gaussian clusters."""

from zoo.recipe import Recipe, Training

TASK = "gauss_local"
LIMITS = "Generated numbers only: it knows four clusters, and what it says between them is beyond its data."

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="mlp_gauss_local",
        title="Multilayer perceptron on local rules",
        family="mlp",
        task=TASK,
        options={"features": 10, "classes": 2, "widths": (64, 64)},
        training=Training(epochs=40, batch_size=256, learning_rate=1.5e-2, average=0.99),
        limits=LIMITS,
    ),
    Recipe(
        name="boosting_gauss_local",
        title="Gradient boosting on local rules",
        family="boosting",
        task=TASK,
        options={"rounds": 300},
        limits=f"{LIMITS} Its cuts are along the axes, while the rules are slanted.",
    ),
    Recipe(
        name="knn_gauss_local",
        title="Nearest neighbours on local rules",
        family="knn",
        task=TASK,
        options={"neighbours": 15},
        limits=f"{LIMITS} Six columns that say nothing blur each neighbourhood.",
    ),
    Recipe(
        name="logistic_gauss_local",
        title="Logistic regression on local rules",
        family="logistic",
        task=TASK,
        limits="It is here to fail: one set of weights cannot be four, so that it follows the mean of the rules.",
    ),
)
