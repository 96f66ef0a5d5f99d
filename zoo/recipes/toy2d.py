"""Models of toys in the plane."""

from zoo.recipe import Recipe, Training

FORMS = {"moons": 2, "spirals": 2, "rings": 3, "mixture": 3}
"""Each with its number of classes."""
GAMMA = {"spirals": 4.0}
LIMITS = "A toy in the plane: it is for seeing how a whole model decides, and says nothing about any real data."


def _network(form: str) -> Recipe:
    return Recipe(
        name=f"mlp_toy2d_{form}",
        title=f"Multilayer perceptron on {form}",
        family="mlp",
        task=f"toy2d_{form}",
        options={"features": 2, "classes": FORMS[form], "widths": (32, 32), "activation": "gelu"},
        training=Training(epochs=60, batch_size=64, learning_rate=1e-2, average=0.99),
        limits=LIMITS,
    )


def _svm(form: str) -> Recipe:
    return Recipe(
        name=f"svm_toy2d_{form}",
        title=f"Support vector machine on {form}",
        family="svm",
        task=f"toy2d_{form}",
        options={"gamma": GAMMA.get(form, 1.0)},
        limits=LIMITS,
    )


def _knn(form: str) -> Recipe:
    return Recipe(
        name=f"knn_toy2d_{form}",
        title=f"Nearest neighbours on {form}",
        family="knn",
        task=f"toy2d_{form}",
        options={"neighbours": 15},
        limits=LIMITS,
    )


RECIPES: tuple[Recipe, ...] = (
    *(make(form) for form in FORMS for make in (_network, _svm, _knn)),
    Recipe(
        name="linear_toy2d_moons",
        title="Softmax regression on moons",
        family="linear",
        task="toy2d_moons",
        options={"features": 2, "classes": 2},
        training=Training(epochs=20, batch_size=64, learning_rate=3e-2),
        limits="It is here to fail: one straight line cannot follow two half circles, and errs at both tips.",
    ),
)
