"""Models of the next character."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="decoder_characters",
        title="Decoder language model on characters",
        family="decoder",
        task="characters",
        options={
            **{"vocabulary": 36, "classes": 34, "longest": 64, "hidden": 64, "heads": 4, "inner": 256, "layers": 2},
            "dropout": 0.05,
        },
        training=Training(
            epochs=8,
            batch_size=32,
            learning_rate=4e-3,
            betas=(0.9, 0.98),
            weight_decay=3e-2,
            clip_norm=1.0,
            average=0.995,
        ),
        limits="Sentences about films, letter by letter: it spells words but knows nothing of what they are about.",
    ),
    Recipe(
        name="one_hot_characters",
        title="Logistic regression on the last eight characters",
        family="one_hot",
        task="characters",
        options={"last": 8, "C": 0.3},
        limits="It weighs each of the last characters alone, so it knows letters that are likely, and no words.",
    ),
)
