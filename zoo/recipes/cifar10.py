"""Models of small photographs."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="speednet_cifar10",
        title="Fast convolutional network on photographs",
        family="speednet",
        task="cifar10",
        options={"channels": 3, "classes": 10, "widths": (32, 64, 128)},
        training=Training(
            epochs=12,
            batch_size=256,
            learning_rate=1e-2,
            weight_decay=5e-2,
            label_smoothing=0.1,
            augmentation="mirror_and_shift",
            average=0.998,
            precision="bfloat16",
        ),
        limits=(
            "Small photographs that went through JPEG, of ten classes: its accuracy says nothing about the originals, "
            "and every image of something else is called one of the ten."
        ),
    ),
    Recipe(
        name="hog_cifar10",
        title="Linear model on oriented gradients",
        family="hog",
        task="cifar10",
        options={"C": 0.1, "cell": 4},
        stored=True,
        limits="It sees directions of edges and no colour; the images went through JPEG, which draws edges of its own.",
    ),
)
