"""Models of clothes."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="speednet_fashion_mnist",
        title="Fast convolutional network on clothes",
        family="speednet",
        task="fashion_mnist",
        options={"channels": 1, "classes": 10, "widths": (24, 48, 64)},
        seeds=1,
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
)
