"""Models that count shapes."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_shapes_all",
        title="Convolutional network that counts shapes",
        family="cnn",
        task="shapes_all",
        options={"channels": 3, "classes": 4, "widths": (8, 16, 32), "mean": 0.5, "deviation": 0.25},
        training=Training(
            epochs=8, batch_size=64, learning_rate=4e-3, weight_decay=1e-2, average=0.99, precision="bfloat16"
        ),
        limits="Generated images only: it counts up to four small figures that do not touch.",
    ),
)
