"""Models of spoken digits, heard voices and unheard ones."""

from zoo.recipe import Recipe, Training

HEARD = "English digits by the six voices it has heard, cut out of silence: no other words, voices or rooms."
UNHEARD = "English digits by voices like the four it has heard: how well it does depends on who speaks."
COUNTING = "It knows how loud each band is on the whole and in each third of a recording, and no single moment."
OPTIONS = {"features": 40, "classes": 10, "dropout": 0.3, "mean": 0.22, "deviation": 0.28}
RECURRENT = {**OPTIONS, "cell": "gru", "state": 64, "both": True, "pooling": "max", "stride": 4}
LEARNING = Training(
    epochs=40,
    batch_size=64,
    learning_rate=5e-3,
    weight_decay=1e-2,
    label_smoothing=0.05,
    clip_norm=1.0,
    augmentation="warp",
)

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="series_features_spoken_digits",
        title="Logistic regression on statistics of each band",
        family="series_features",
        task="spoken_digits",
        options={"C": 0.1},
        limits=COUNTING,
    ),
    Recipe(
        name="gru_spoken_digits",
        title="Gated recurrent network on spectrograms",
        family="rnn",
        task="spoken_digits",
        options=RECURRENT,
        training=LEARNING,
        limits=HEARD,
    ),
    Recipe(
        name="series_features_spoken_digits_by_speaker",
        title="Logistic regression on statistics of each band, unheard voices",
        family="series_features",
        task="spoken_digits_by_speaker",
        options={"C": 0.1},
        limits=COUNTING,
    ),
    Recipe(
        name="gru_spoken_digits_by_speaker",
        title="Gated recurrent network on spectrograms of unheard voices",
        family="rnn",
        task="spoken_digits_by_speaker",
        options=RECURRENT,
        training=LEARNING,
        limits=UNHEARD,
    ),
)
