"""Models of planted text: for each of its rules a recurrent network, a transformer and counted words."""

from dataclasses import replace

from zoo.recipe import Recipe, Training

TASKS = {
    "planted_text": "a planted word",
    "planted_text_context": "a planted word in a context",
    "planted_text_order": "the order of planted words",
    "planted_text_negation": "negation",
    "planted_text_count": "a majority of words",
}
"""The variants, and what each is about."""
WORDS = {"vocabulary": 210, "classes": 2}
READING = Training(
    epochs=12,
    batch_size=64,
    learning_rate=1e-2,
    betas=(0.9, 0.98),
    weight_decay=1e-2,
    clip_norm=1.0,
    augmentation="word_dropout",
    average=0.99,
)
"""In training one word in five is missing, deciding ones too: accuracy there stays below that on whole sentences."""
EPOCHS = {
    "planted_text": 4,
    "planted_text_context": 8,
    "planted_text_order": 12,
    "planted_text_negation": 10,
    "planted_text_count": 6,
}
"""Of the recurrent network."""
ATTENDED = {
    "planted_text": (6, 0.0),
    "planted_text_context": (20, 0.1),
    "planted_text_order": (24, 0.1),
    "planted_text_count": (8, 0.0),
}
"""Of the transformer, and its dropout: where words far apart decide together it learns its sentences by heart first.

There is none for negation: in thirty epochs it reached 94 %, and with other seeds less."""
COUNTED = {
    "planted_text": "It adds up words, which is enough where one outweighs all others; it knows nothing of English.",
    "planted_text_context": "It adds up words and pairs: a word that counts only beside another far away escapes it.",
    "planted_text_order": "It knows no order beyond two neighbours: which of two far words came first escapes it.",
    "planted_text_negation": "It reads 'not' where it touches its word, and loses it where another word lies between.",
    "planted_text_count": "It adds up words, which is all that is asked here; a word that turns another escapes it.",
}
GENERATED = "Generated sentences of some 200 words only: it knows one planted rule and nothing of English."


def _recurrent(task: str) -> Recipe:
    return Recipe(
        name=f"gru_{task}",
        title=f"Recurrent network on {TASKS[task]}",
        family="gru",
        task=task,
        options={**WORDS, "hidden": 16, "state": 24, "dropout": 0.0},
        training=replace(READING, epochs=EPOCHS[task]),
        limits=GENERATED,
    )


def _attending(task: str, epochs: int, dropout: float) -> Recipe:
    size = {"hidden": 32, "heads": 4, "inner": 32, "layers": 2}
    drop = {"dropout": dropout, "dropout_embedding": dropout, "dropout_output": 0.0}
    return Recipe(
        name=f"transformer_{task}",
        title=f"Transformer on {TASKS[task]}",
        family="transformer",
        task=task,
        options={**WORDS, **size, **drop, "waves": True},
        training=replace(READING, epochs=epochs, learning_rate=5e-3),
        limits=GENERATED,
    )


def _counted(task: str) -> Recipe:
    return Recipe(
        name=f"logistic_{task}",
        title=f"Logistic regression on words, for {TASKS[task]}",
        family="tfidf",
        task=task,
        options={"C": 16.0, "words": 2},
        limits=COUNTED[task],
    )


RECIPES: tuple[Recipe, ...] = (
    *(_recurrent(task) for task in TASKS),
    *(_attending(task, *how) for task, how in ATTENDED.items()),
    *(_counted(task) for task in TASKS),
)
