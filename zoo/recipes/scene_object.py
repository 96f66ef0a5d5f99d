"""Models of objects on scenes: the same pixels, two questions."""

from dataclasses import replace

from zoo.recipe import Recipe, Training

OPTIONS = {"channels": 3, "classes": 10, "widths": (8, 16, 32), "mean": 0.5, "deviation": 0.25}
TRAINING = Training(epochs=10, batch_size=64, learning_rate=5e-3, weight_decay=1e-2, average=0.99, precision="bfloat16")

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="cnn_scene_object_object",
        title="Convolutional network for the object",
        family="cnn",
        task="scene_object_object",
        options=OPTIONS,
        training=replace(TRAINING, augmentation="mirror"),
        limits="Generated images only: it knows ten outlines on ten textures and nothing of photographs.",
    ),
    Recipe(
        name="hog_scene_object_object",
        title="Gradient histograms for the object",
        family="hog",
        task="scene_object_object",
        options={"C": 1.0, "cell": 8},
        stored=True,
        limits="Edges cell by cell: it cannot tell an object's from a texture's, nor find an object that has moved.",
    ),
    Recipe(
        name="cnn_scene_object_scene",
        title="Convolutional network for the scene",
        family="cnn",
        task="scene_object_scene",
        options=OPTIONS,
        training=TRAINING,
        limits="Generated images only: it knows ten textures behind ten objects and nothing of photographs.",
    ),
    Recipe(
        name="hog_scene_object_scene",
        title="Gradient histograms for the scene",
        family="hog",
        task="scene_object_scene",
        options={"C": 1.0, "cell": 8},
        stored=True,
        limits="Edges cell by cell: good at directions that recur, blind to how far apart they are.",
    ),
)
