"""Models of breast cancer."""

from zoo.recipe import Recipe, Training

TASK = "breast_cancer"
LIMITS = "Learnt from 379 tumours of one hospital in the 1990s: it is a lesson, and must never be used on anybody."

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="mlp_breast_cancer",
        title="Multilayer perceptron on cell nuclei",
        family="mlp",
        task=TASK,
        options={"features": 30, "classes": 2, "widths": (32,), "dropout": 0.2},
        training=Training(epochs=50, batch_size=32, learning_rate=5e-3, weight_decay=0.1),
        limits=LIMITS,
    ),
    Recipe(
        name="linear_breast_cancer",
        title="Softmax regression on cell nuclei",
        family="linear",
        task=TASK,
        options={"features": 30, "classes": 2},
        training=Training(epochs=50, batch_size=32, learning_rate=1e-2, weight_decay=1e-2),
        limits=f"{LIMITS} Of columns that say the same, its weights are split by chance.",
    ),
    Recipe(
        name="perceptron_breast_cancer",
        title="Rosenblatt's perceptron on cell nuclei",
        family="perceptron",
        task=TASK,
        options={"features": 30, "classes": 2, "gain": 20.0},
        training=Training(epochs=50, batch_size=32, learning_rate=1e-3, optimiser="sgd"),
        limits=f"{LIMITS} Its probabilities mean nothing: the rule it learns by only asks for the right side.",
    ),
    Recipe(
        name="logistic_breast_cancer",
        title="Logistic regression on cell nuclei",
        family="logistic",
        task=TASK,
        options={"C": 1.0},
        limits=f"{LIMITS} Of columns that say the same, its weights are split by the penalty.",
    ),
    Recipe(
        name="svm_breast_cancer",
        title="Support vector machine on cell nuclei",
        family="svm",
        task=TASK,
        options={"C": 1.0, "gamma": 0.02},
        limits=LIMITS,
    ),
    Recipe(
        name="forest_breast_cancer",
        title="Random forest on cell nuclei",
        family="forest",
        task=TASK,
        limits=f"{LIMITS} Its probabilities are shares of votes.",
    ),
    Recipe(
        name="boosting_breast_cancer",
        title="Gradient boosting on cell nuclei",
        family="boosting",
        task=TASK,
        options={"leaves": 8, "least": 10},
        limits=LIMITS,
    ),
    Recipe(
        name="knn_breast_cancer",
        title="Nearest neighbours on cell nuclei",
        family="knn",
        task=TASK,
        options={"neighbours": 5},
        limits=f"{LIMITS} All thirty columns count alike in its distance.",
    ),
    Recipe(
        name="tree_breast_cancer",
        title="Decision tree on cell nuclei",
        family="tree",
        task=TASK,
        options={"least": 3},
        limits=f"{LIMITS} Another draw of the same patients gives another tree.",
    ),
    Recipe(
        name="naive_bayes_breast_cancer",
        title="Naive Bayes on cell nuclei",
        family="naive_bayes",
        task=TASK,
        limits=f"{LIMITS} It counts radius, perimeter and area as three witnesses and is far too sure.",
    ),
)
