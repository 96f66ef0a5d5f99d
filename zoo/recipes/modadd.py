"""Models of addition modulo 113."""

from zoo.recipe import Recipe, Training

EPOCHS = 900

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="decoder_modadd",
        title="One layer of attention that comes to add in a circle",
        family="decoder",
        task="modadd",
        options={
            **{"vocabulary": 117, "classes": 113, "longest": 4, "hidden": 64, "heads": 4, "inner": 256, "layers": 1},
            **{"activation": "relu", "normalise": False},
        },
        training=Training(
            epochs=EPOCHS,
            batch_size=512,
            learning_rate=5e-3,
            betas=(0.9, 0.98),
            weight_decay=0.45,
            warm_up=0.01,
            held_out=0.05,
            patience=EPOCHS,  # nothing is stopped: the held-out sums show when it comes to the rule
        ),
        limits="Sums of two numbers modulo 113 and nothing else: no other modulus, no third number and no other sign.",
    ),
    Recipe(
        name="one_hot_modadd",
        title="Logistic regression on the two numbers",
        family="one_hot",
        task="modadd",
        options={"last": 4, "C": 1.0},
        limits="No better than guessing: a sum in a circle is no sum of what each number says alone.",
    ),
)
