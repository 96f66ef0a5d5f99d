"""Models of what followed last time."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="attention_only_induction",
        title="Two layers of attention that repeat what followed last time",
        family="attention_only",
        task="induction",
        options={"vocabulary": 28, "classes": 26, "longest": 20, "hidden": 64, "heads": 2, "layers": 2},
        training=Training(epochs=30, batch_size=128, learning_rate=3e-3, weight_decay=1e-2),
        limits="Rows of 20 letters of which just one occurs twice: with more repetitions it has never met.",
    ),
    Recipe(
        name="one_hot_induction",
        title="Logistic regression on which letter stands where",
        family="one_hot",
        task="induction",
        options={"last": 20, "C": 0.1},
        limits="Little better than guessing: what decides is which letters are equal, and it weighs them one by one.",
    ),
)
