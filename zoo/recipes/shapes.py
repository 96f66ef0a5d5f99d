"""Models of shapes."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_shapes",
        title="Convolutional network on shapes",
        family="cnn",
        task="shapes",
        options={"channels": 3, "classes": 5, "widths": (8, 16, 32), "mean": 0.5, "deviation": 0.25},
        training=Training(
            epochs=16,
            batch_size=64,
            learning_rate=3e-3,
            weight_decay=1e-2,
            augmentation="flip",
            average=0.99,
        ),
        limits="Generated images only: it knows five outlines on painted backgrounds and nothing of photographs.",
    ),
    Recipe(
        name="hog_shapes",
        title="Gradient histograms on shapes",
        family="hog",
        task="shapes",
        options={"C": 1.0, "cell": 8},
        stored=True,
        limits="Edges cell by cell: it cannot tell a figure's edges from a distractor's, nor find one that has moved.",
    ),
)
