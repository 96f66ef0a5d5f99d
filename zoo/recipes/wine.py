"""Models of wine."""

from zoo.recipe import Recipe, Training

TASK = "wine"
LIMITS = "Learnt from 118 wines of three grape varieties of one region: it knows no other wine."

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="mlp_wine",
        title="Multilayer perceptron on wines",
        family="mlp",
        task=TASK,
        options={"features": 13, "classes": 3, "widths": (32,), "dropout": 0.2},
        training=Training(epochs=50, batch_size=32, learning_rate=5e-3, weight_decay=0.1),
        limits=LIMITS,
    ),
    Recipe(
        name="linear_wine",
        title="Softmax regression on wines",
        family="linear",
        task=TASK,
        options={"features": 13, "classes": 3},
        training=Training(epochs=50, batch_size=32, learning_rate=1e-2, weight_decay=1e-2),
        limits=LIMITS,
    ),
    Recipe(
        name="logistic_wine",
        title="Logistic regression on wines",
        family="logistic",
        task=TASK,
        options={"C": 0.1},
        limits=f"{LIMITS} The strong penalty makes it less sure than it could be.",
    ),
    Recipe(
        name="svm_wine",
        title="Support vector machine on wines",
        family="svm",
        task=TASK,
        options={"C": 1.0, "gamma": 0.02},
        limits=LIMITS,
    ),
    Recipe(
        name="forest_wine",
        title="Random forest on wines",
        family="forest",
        task=TASK,
        limits=f"{LIMITS} Its probabilities are shares of votes.",
    ),
    Recipe(
        name="boosting_wine",
        title="Gradient boosting on wines",
        family="boosting",
        task=TASK,
        options={"leaves": 8, "least": 10},
        limits=LIMITS,
    ),
    Recipe(
        name="knn_wine",
        title="Nearest neighbours on wines",
        family="knn",
        task=TASK,
        options={"neighbours": 3},
        limits=f"{LIMITS} All columns count alike in its distance.",
    ),
    Recipe(
        name="tree_wine",
        title="Decision tree on wines",
        family="tree",
        task=TASK,
        options={"least": 3},
        limits=f"{LIMITS} Another draw of the same wines gives another tree.",
    ),
    Recipe(
        name="naive_bayes_wine",
        title="Naive Bayes on wines",
        family="naive_bayes",
        task=TASK,
        limits=f"{LIMITS} It takes what the grapes' chemistry ties together for independent.",
    ),
)
