"""Models of digits read row by row."""

from zoo.recipe import Recipe, Training

LIMITS = "Learnt from a few writers of one country and time: not for reading anyone else's digits unchecked."
LEARNING = Training(epochs=60, batch_size=64, learning_rate=5e-3, weight_decay=1e-2, clip_norm=1.0, average=0.99)
OPTIONS = {"features": 8, "classes": 10, "state": 48, "dropout": 0.3, "mean": 0.31, "deviation": 0.38}

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="svm_digits_rows",
        title="Support vector machine on all rows",
        family="svm",
        task="digits_rows",
        options={"C": 10.0, "gamma": 0.1},
        limits="It compares with stored pixels: shifted or thicker strokes than it has seen lead it astray.",
    ),
    Recipe(
        name="lstm_digits_rows",
        title="Long short-term memory on rows of digits",
        family="rnn",
        task="digits_rows",
        options={**OPTIONS, "cell": "lstm", "both": True},
        training=LEARNING,
        limits=LIMITS,
    ),
    Recipe(
        name="vanilla_digits_rows",
        title="Vanilla recurrent network on rows of digits",
        family="rnn",
        task="digits_rows",
        options={**OPTIONS, "cell": "vanilla"},
        training=LEARNING,
        limits=LIMITS,
    ),
)
