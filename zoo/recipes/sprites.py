"""Models of sprites."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_sprites",
        title="Convolutional network on sprites",
        family="cnn",
        task="sprites",
        options={"channels": 1, "classes": 3, "widths": (8, 16, 24), "mean": 0.2, "deviation": 0.25},
        training=Training(
            epochs=5, batch_size=64, learning_rate=4e-3, weight_decay=1e-2, average=0.99, precision="bfloat16"
        ),
        limits="Generated images only: it knows three bright outlines on dim clouds and nothing of photographs.",
    ),
)
