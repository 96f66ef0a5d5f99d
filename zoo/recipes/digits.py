"""Models of handwritten digits."""

from dataclasses import replace

from zoo.recipe import Recipe, Training

CENTRED = {"mean": 0.31, "deviation": 0.38}
"""Mean and deviation of the training pixels."""
PIXELS = {"features": 64, "classes": 10, **CENTRED}
IMAGES = {"channels": 1, "classes": 10, **CENTRED}
SHIFTING = Training(
    epochs=100,
    batch_size=64,
    learning_rate=1e-2,
    weight_decay=1e-2,
    label_smoothing=0.05,
    augmentation="affine",
    average=0.99,
)
"""How networks are trained on digits that are shifted and turned a little each time."""
LIMITS = "Learnt from a few writers of one country and time: not for reading anyone else's digits unchecked."

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_digits",
        title="Convolutional network on digits",
        family="cnn",
        task="digits",
        options={**IMAGES, "widths": (32, 64), "dropout": 0.2},
        training=SHIFTING,
        limits=LIMITS,
    ),
    Recipe(
        name="resnet_digits",
        title="Residual network on digits",
        family="resnet",
        task="digits",
        options={**IMAGES, "widths": (16, 32), "dropout": 0.2},
        training=replace(SHIFTING, epochs=60),
        limits=LIMITS,
    ),
    Recipe(
        name="logistic_digits",
        title="Logistic regression on pixels",
        family="logistic",
        task="digits",
        options={"C": 10.0},
        limits="A weight per pixel and class: it breaks when a digit is shifted by one pixel.",
    ),
    Recipe(
        name="svm_digits",
        title="Support vector machine on pixels",
        family="svm",
        task="digits",
        options={"C": 10.0, "gamma": 0.1},
        limits="It compares with stored pixels: shifted or thicker strokes than it has seen lead it astray.",
    ),
    Recipe(
        name="forest_digits",
        title="Random forest on pixels",
        family="forest",
        task="digits",
        options={"trees": 200},
        limits="Its probabilities are shares of votes: too cautious, and not to be read as calibrated.",
    ),
    Recipe(
        name="mlp_digits",
        title="Multilayer perceptron on digits",
        family="mlp",
        task="digits",
        options={**PIXELS, "widths": (96, 64), "dropout": 0.2},
        training=replace(SHIFTING, learning_rate=3e-3),
        limits="It knows nothing of neighbouring pixels: a shift that it was not shown in training leads it astray.",
    ),
    Recipe(
        name="linear_digits",
        title="Softmax regression on digits",
        family="linear",
        task="digits",
        options=PIXELS,
        training=Training(epochs=60, batch_size=64, learning_rate=1e-2, weight_decay=0.1),
        limits="A weight per pixel and class: it breaks when a digit is shifted by one pixel.",
    ),
    Recipe(
        name="knn_digits",
        title="Nearest neighbours on pixels",
        family="knn",
        task="digits",
        options={"neighbours": 5},
        limits="It compares with stored pixels: shifted or thicker strokes than it has seen lead it astray.",
    ),
    Recipe(
        name="boosting_digits",
        title="Gradient boosting on pixels",
        family="boosting",
        task="digits",
        limits="It asks one pixel at a time: it breaks when a digit is shifted by one pixel.",
    ),
    Recipe(
        name="naive_bayes_digits",
        title="Naive Bayes on pixels",
        family="naive_bayes",
        task="digits",
        options={"smoothing": 0.1},
        limits="It takes neighbouring pixels for independent, so it is far too sure of whatever it says.",
    ),
    Recipe(
        name="tree_digits",
        title="Decision tree on pixels",
        family="tree",
        task="digits",
        limits="One question on one pixel after the other: wrong once in four, and another tree on other writers.",
    ),
    Recipe(
        name="vit_digits",
        title="Vision transformer on digits",
        family="vit",
        task="digits",
        options={**IMAGES, "side": 8, "patch": 2, "hidden": 48, "heads": 2, "inner": 96, "layers": 2},
        training=replace(SHIFTING, learning_rate=3e-3, weight_decay=5e-2),
        limits=LIMITS,
    ),
)
