"""Logistic regression on the words of a text."""

from dataclasses import dataclass, field

from jaxtyping import Int
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from torch import Tensor

from zoo.model import TraditionalModel, linear_logits
from zoo.task import Samples, Task, TextTask


@dataclass
class Tfidf(TraditionalModel):
    """Each word, and each pair of neighbours, counts by how often it is here and how rare it is elsewhere.

    x_w = (1 + log tf_w) (1 + log((1 + n) / (1 + df_w))), scaled to ‖x‖ = 1;  p = softmax(W x + b), penalty ‖W‖² / 2C

    It reads the text that the token ids stand for; a missing token is simply not in it.

    When it misleads: a word's weight is the same in every sentence, so contrast and irony pass it by.
    Reference: [sparckjones1972statistical], [wang2012baselines]
    """

    name = "tfidf"

    C: float = 16.0
    """Inverse of the penalty's strength."""
    words: int = 2
    """Longest run of neighbouring words that counts as one feature."""
    features: int | None = None
    """How many features are kept, the most frequent ones; None keeps all."""
    task: TextTask = field(init=False, repr=False)
    fitted: Pipeline = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if not isinstance(task, TextTask):
            raise TypeError(f"TF-IDF is for text; {task.name} is {task.kind}.")
        self.task = task
        count = TfidfVectorizer(
            ngram_range=(1, self.words), token_pattern=r"\S+", sublinear_tf=True, max_features=self.features
        )
        self.fitted = make_pipeline(count, LogisticRegression(C=self.C, max_iter=1000, random_state=seed))
        self.fitted.fit(task.decode(samples.inputs), samples.labels.numpy())
        count.vocabulary_ = {word: int(column) for word, column in count.vocabulary_.items()}  # small when it is stored

    def logits(self, inputs: Int[Tensor, "sample token"]) -> Tensor:
        return linear_logits(self.fitted.decision_function(self.task.decode(inputs)))

    def parameters(self) -> int:
        regression = self.fitted[-1]
        return regression.coef_.size + regression.intercept_.size
