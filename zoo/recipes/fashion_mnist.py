"""Models of clothes."""

from zoo.recipe import Recipe, Training

CENTRED = {"mean": 0.286, "deviation": 0.353}
"""Mean and deviation of the training pixels."""
LIMITS = (
    "Clothes from one shop's catalogue, cut out on black: not for photographs of any other kind. It mixes up shirts, "
    "T-shirts, pullovers and coats."
)

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="speednet_fashion_mnist",
        title="Fast convolutional network on clothes",
        family="speednet",
        task="fashion_mnist",
        options={"channels": 1, "classes": 10, "widths": (24, 48, 64)},
        training=Training(
            epochs=14,
            batch_size=256,
            learning_rate=1e-2,
            weight_decay=5e-2,
            label_smoothing=0.05,
            augmentation="mirror_and_shift",
            average=0.998,
            precision="bfloat16",
        ),
        limits="Clothes cut out on black, of one shop and time: it knows nothing of photographs as people take them.",
    ),
    Recipe(
        name="logistic_fashion_mnist",
        title="Logistic regression on pixels",
        family="logistic",
        task="fashion_mnist",
        options={"C": 0.1},
        stored=True,
        limits="A weight per pixel and class: clothes that are shifted by two pixels or mirrored look new to it.",
    ),
    Recipe(
        name="hog_fashion_mnist",
        title="Linear model on oriented gradients",
        family="hog",
        task="fashion_mnist",
        options={"C": 0.1, "cell": 4},
        stored=True,
        limits="It sees the directions of edges in fixed cells, and neither brightness nor what is larger than a cell.",
    ),
    Recipe(
        name="cct_fashion_mnist",
        title="Convolutional-token transformer on clothes",
        family="cct",
        task="fashion_mnist",
        options={"channels": 1, "classes": 10, "side": 28, "widths": (32, 64), "heads": 2, "inner": 128, "layers": 2}
        | CENTRED,
        training=Training(
            epochs=18,
            batch_size=128,
            learning_rate=3e-3,
            weight_decay=3e-2,
            label_smoothing=0.1,
            augmentation="mirror_and_shift",
            average=0.998,
        ),
        limits=LIMITS,
    ),
    Recipe(
        name="gru_fashion_mnist",
        title="Recurrent network that reads clothes row by row",
        family="rnn",
        task="fashion_mnist",
        options={"features": 28, "classes": 10, "cell": "gru", "state": 128, "rows": True, "dropout": 0.1} | CENTRED,
        training=Training(
            epochs=16,
            batch_size=256,
            learning_rate=4e-3,
            weight_decay=1e-2,
            label_smoothing=0.05,
            clip_norm=1.0,
            augmentation="mirror",
            average=0.995,
        ),
        limits=LIMITS,
    ),
)
