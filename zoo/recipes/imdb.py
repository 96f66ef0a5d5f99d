"""Models of whole film reviews."""

from zoo.recipe import Recipe, Training

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="logistic_imdb",
        title="Logistic regression on words and pairs of words of whole reviews",
        family="tfidf",
        task="imdb",
        options={"C": 8.0, "words": 2, "features": 30_000},
        stored=True,
        limits="It knows no order beyond two words, and reads the beginning and the ending of a long review only.",
    ),
    Recipe(
        name="gru_imdb",
        title="Recurrent network on whole film reviews",
        family="gru",
        task="imdb",
        options={"vocabulary": 8000, "classes": 2, "hidden": 48, "state": 32},
        training=Training(
            epochs=5,
            batch_size=128,
            learning_rate=5e-3,
            embedding_start="cooccurrence",
            betas=(0.9, 0.98),
            weight_decay=1e-2,
            clip_norm=1.0,
            augmentation="word_dropout",
            average=0.99,
        ),
        limits="English film reviews only, of a long one the beginning and the ending; it misreads one in ten.",
    ),
)
