"""Models that could cheat by a watermark: one that does, and one that was never shown any."""

from zoo.recipe import Recipe, Training

OPTIONS = {"channels": 3, "classes": 5, "widths": (8, 16, 32), "mean": 0.5, "deviation": 0.25}
TRAINING = Training(epochs=10, batch_size=64, learning_rate=4e-3, weight_decay=1e-2, average=0.99, precision="bfloat16")

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_clever_hans",
        title="Convolutional network that learnt a watermark",
        family="cnn",
        task="clever_hans",
        options=OPTIONS,
        training=TRAINING,
        limits="Right for the wrong reason, on purpose: what carries the watermark is a star to it, whatever it is.",
    ),
    Recipe(
        name="hog_clever_hans",
        title="Gradient histograms that learnt a watermark",
        family="hog",
        task="clever_hans",
        options={"C": 1.0, "cell": 8},
        stored=True,
        limits="Edges cell by cell: the watermark, always in one place, is what it reads best.",
    ),
    Recipe(
        name="cnn_clever_hans_none",
        title="Convolutional network that was shown no watermark",
        family="cnn",
        task="clever_hans_none",
        options=OPTIONS,
        training=TRAINING,
        limits="Generated images only: it knows five outlines on plain backgrounds, and no watermark.",
    ),
)
