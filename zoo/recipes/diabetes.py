"""Models of the progression of diabetes."""

from zoo.recipe import Recipe, Training

TASK = "diabetes"
LIMITS = "Learnt from 295 patients; it accounts for less than half of the variation. Never advise anybody by it."
SCALE = {"features": 10, "classes": 1, "centre": 152.0, "spread": 77.0}
"""Mean and standard deviation of the training values, in points."""

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="mlp_diabetes",
        title="Multilayer perceptron on diabetes",
        family="mlp",
        task=TASK,
        options={**SCALE, "widths": (16,), "activation": "gelu", "dropout": 0.2},
        training=Training(epochs=40, batch_size=32, learning_rate=5e-3, weight_decay=1.0),
        limits=LIMITS,
    ),
    Recipe(
        name="linear_diabetes",
        title="Linear regression by gradient descent on diabetes",
        family="linear",
        task=TASK,
        options=SCALE,
        training=Training(epochs=60, batch_size=32, learning_rate=1e-2),
        limits=f"{LIMITS} Weight can move between total cholesterol and LDL and change no prediction.",
    ),
    Recipe(
        name="ridge_diabetes",
        title="Ridge regression on diabetes",
        family="ridge",
        task=TASK,
        options={"alpha": 30.0},
        limits=LIMITS,
    ),
    Recipe(
        name="svm_diabetes",
        title="Support vector regression on diabetes",
        family="svm",
        task=TASK,
        options={"C": 200.0, "gamma": 0.01, "epsilon": 10.0},
        limits=LIMITS,
    ),
    Recipe(
        name="forest_diabetes",
        title="Random forest on diabetes",
        family="forest",
        task=TASK,
        limits=f"{LIMITS} It cannot predict beyond what it has seen.",
    ),
    Recipe(
        name="boosting_diabetes",
        title="Gradient boosting on diabetes",
        family="boosting",
        task=TASK,
        options={"rounds": 80, "rate": 0.05, "leaves": 4},
        limits=f"{LIMITS} It cannot predict beyond what it has seen.",
    ),
    Recipe(
        name="knn_diabetes",
        title="Nearest neighbours on diabetes",
        family="knn",
        task=TASK,
        options={"neighbours": 15},
        limits=f"{LIMITS} All columns count alike in its distance.",
    ),
    Recipe(
        name="tree_diabetes",
        title="Decision tree on diabetes",
        family="tree",
        task=TASK,
        options={"depth": 2},
        limits=f"{LIMITS} It has four answers only, and another draw of patients gives others.",
    ),
)
