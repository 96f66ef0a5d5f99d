"""Models of the adding problem."""

from zoo.recipe import Recipe, Training

LEARNING = Training(epochs=12, batch_size=64, learning_rate=5e-3, warm_up=0.05, clip_norm=1.0)
LIMITS = "It adds two marked numbers of a series of this length, and knows nothing of other lengths or of more marks."
LINEAR = "It gives each number and each mark a weight of its own: it cannot know which number a mark is beside."

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="ridge_adding",
        title="Linear regression on all numbers and marks",
        family="ridge",
        task="adding",
        options={"alpha": 1000.0},
        limits=LINEAR,
    ),
    Recipe(
        name="gru_adding",
        title="Gated recurrent network on two numbers of 200",
        family="rnn",
        task="adding",
        options={"features": 2, "classes": 1, "cell": "gru", "state": 64, "memory": 200},
        training=LEARNING,
        limits=LIMITS,
    ),
    Recipe(
        name="vanilla_adding",
        title="Vanilla recurrent network on two numbers of 200",
        family="rnn",
        task="adding",
        options={"features": 2, "classes": 1, "cell": "vanilla", "state": 64},
        training=Training(epochs=4, batch_size=64, learning_rate=1e-3, warm_up=0.05, clip_norm=1.0),
        limits="It has not learnt the task: its gradient does not reach back far enough. It is here to show that.",
    ),
    Recipe(
        name="ridge_adding_short",
        title="Linear regression on all numbers and marks",
        family="ridge",
        task="adding_short",
        options={"alpha": 1000.0},
        limits=LINEAR,
    ),
    Recipe(
        name="lstm_adding_short",
        title="Long short-term memory on two numbers of 50",
        family="rnn",
        task="adding_short",
        options={"features": 2, "classes": 1, "cell": "lstm", "state": 48, "memory": 50},
        training=LEARNING,
        limits=LIMITS,
    ),
)
