"""Models that say which outline the figure has that is asked for."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_shapes_asked",
        title="Convolutional network that reads a question",
        family="cnn",
        task="shapes_asked",
        options={"channels": 3, "classes": 5, "widths": (12, 24, 32), "mean": 0.5, "deviation": 0.25},
        training=Training(
            epochs=10, batch_size=64, learning_rate=4e-3, weight_decay=1e-2, average=0.99, precision="bfloat16"
        ),
        limits="Generated images only: it knows three colours of frames and five outlines, in four quarters.",
    ),
)
