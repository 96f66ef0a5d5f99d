"""Models of film reviews."""

from dataclasses import replace

from zoo.recipe import Distillation, Recipe, Training

TEACHING = Distillation(teachers=("gru_sst2", "transformer_sst2"))
READING = Training(
    epochs=8,
    batch_size=64,
    learning_rate=2e-3,
    embedding_rate=5e-3,
    betas=(0.9, 0.98),
    weight_decay=1e-2,
    label_smoothing=0.1,
    clip_norm=1.0,
    augmentation="split_and_drop",
    average=0.995,
    distillation=TEACHING,
)
"""How the networks for sentences are trained, on the few that there are."""

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="gru_sst2",
        title="Recurrent network on film reviews",
        family="gru",
        task="sst2",
        options={"vocabulary": 4000, "classes": 2, "hidden": 64, "state": 32},
        training=replace(READING, epochs=7, learning_rate=3e-3, embedding_rate=3e-3, embedding_start="cooccurrence"),
        limits="English sentences about films only; it misreads one in five, most of all negation and irony.",
    ),
    Recipe(
        name="transformer_sst2",
        title="Transformer on film reviews",
        family="transformer",
        task="sst2",
        options={"vocabulary": 4000, "classes": 2, "hidden": 64, "heads": 2, "inner": 64, "layers": 1},
        training=READING,
        limits="English sentences about films only; it misreads one in five, most of all negation and irony.",
    ),
    Recipe(
        name="logistic_sst2",
        title="Logistic regression on words and pairs of words",
        family="tfidf",
        task="sst2",
        options={"C": 32.0, "words": 2},
        limits="It knows no order beyond two words: far negation and contrast are invisible to it.",
    ),
)
