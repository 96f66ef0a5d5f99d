"""Agreement: how alike several attributions of one sample are."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from workbench.records import Attribution, Matrix
from workbench.words import merged_words


def agreement(attributions: Sequence[Attribution], titles: Sequence[str], index: int = 0) -> Matrix:
    """Spearman's rank correlation between the values of each pair of attributions of the same sample.

    Values are summed over channels first, and over the tokens of a word; equal ones share their mean rank. A map whose
    values are all equal ranks nothing: its correlations are NaN.

    When it misleads: two methods may agree because both are blind to the same thing; and where most values are nearly
    zero, the order of those rules the correlation. Reference: [spearman1904proof]
    """
    ranks = np.stack([rankdata(places(record, index)) for record in attributions])
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.atleast_2d(np.corrcoef(ranks))
    return Matrix(
        title="How much the methods agree",
        values=values,
        rows=tuple(titles),
        columns=tuple(titles),
        row_title="",
        column_title="",
        unit="rank correlation",
    )


def places(attribution: Attribution, index: int = 0) -> Float[np.ndarray, "place"]:
    """One value for each place of a sample: pixel, word, feature or point in time; padding is left out."""
    if attribution.axes == ("sample", "token") and attribution.words is not None:
        return merged_words(attribution, index)[1]
    summed = attribution.sum("channel") if "channel" in attribution.axes else attribution
    return summed.values[index].ravel()


def named(attribution: Attribution, place: int) -> str:
    """What a place of a table or a series is called: the feature's name or number, and the step of a series."""
    step, feature = divmod(place, attribution.values.shape[-1])
    name = attribution.feature_names[feature] if attribution.feature_names else f"number {feature}"
    return f"{name} at step {step}" if "time" in attribution.axes else name
