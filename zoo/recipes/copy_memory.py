"""Models of copy memory."""

from zoo.recipe import Recipe, Training

OPTIONS = {"features": 10, "classes": 8, "outputs": 8, "cell": "gru", "state": 96, "memory": 40}
LEARNING = Training(epochs=30, batch_size=64, learning_rate=5e-3, warm_up=0.05, clip_norm=1.0)
LIMITS = "It repeats eight symbols after exactly this pause, and has seen no series of another length."

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="logistic_copy_memory",
        title="Logistic regression on the last symbol",
        family="logistic",
        task="copy_memory",
        limits="It sees the whole series at once and answers only with the last symbol, which it reads off its place.",
    ),
    Recipe(
        name="gru_copy_memory",
        title="Gated recurrent network that repeats symbols",
        family="seq2seq",
        task="copy_memory",
        options=OPTIONS,
        training=LEARNING,
        limits=LIMITS,
    ),
    Recipe(
        name="encoder_decoder_copy_memory",
        title="Recurrent encoder and decoder that repeat symbols",
        family="seq2seq",
        task="copy_memory",
        options={**OPTIONS, "decoder": True},
        training=LEARNING,
        limits=LIMITS,
    ),
)
