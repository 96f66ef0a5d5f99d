"""Which classes are taken for which."""

from dataclasses import dataclass

import numpy as np

from workbench.analysis import AbstractAnalysis, labelled
from workbench.records import Matrix
from workbench.settings import setting
from workbench.subject import Subject, to_numpy
from zoo.task import Samples

UNITS = ("samples", "share")


@dataclass(frozen=True, kw_only=True)
class Confusion(AbstractAnalysis):
    """How many samples of each class the model calls what.

    values[i, j] = #{s : label i, predicted j}; with unit "share" each row divided by its sum (NaN for an absent class)

    When it misleads: rows of few samples look as sure as rows of many, and shares hide how many there were.
    Reference: [stehman1997selecting]
    """

    name = "confusion"
    title = "Confusion matrix"
    needs_classes = True

    unit: str = setting("samples", choices=UNITS, help="Counts, or the share of each label's samples")

    def run(self, subject: Subject, samples: Samples) -> Matrix:
        self._require(subject, samples)
        labels = to_numpy(labelled(samples).labels)
        predicted = to_numpy(subject.logits(samples.inputs).argmax(-1))
        classes = subject.task.classes
        counts = np.zeros((len(classes), len(classes)))
        np.add.at(counts, (labels, predicted), 1)
        wrong = int((labels != predicted).sum())
        sizes = counts.sum(1, keepdims=True)
        shares = np.divide(counts, sizes, out=np.full_like(counts, np.nan), where=sizes > 0)
        return Matrix(
            title=f"{subject.name}: {wrong:,} of {len(samples):,} samples wrong",
            provenance=self.origin(subject, samples),
            values=counts if self.unit == "samples" else shares,
            rows=classes,
            columns=classes,
            row_title="label",
            column_title="predicted",
            unit="samples" if self.unit == "samples" else "share of the label's samples",
        )
