"""Models of handwritten digits."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_digits",
        title="Convolutional network on digits",
        family="cnn",
        task="digits",
        options={"channels": 1, "classes": 10, "widths": (32, 64), "mean": 0.31, "deviation": 0.38, "dropout": 0.2},
        training=Training(
            epochs=100,
            batch_size=64,
            learning_rate=1e-2,
            weight_decay=1e-2,
            label_smoothing=0.05,
            augmentation="affine",
            average=0.99,
        ),
        limits="Learnt from a few writers of one country and time: not for reading anyone else's digits unchecked.",
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
)
