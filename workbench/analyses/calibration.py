"""Whether the model is right as often as it is sure."""

from dataclasses import dataclass

import numpy as np

from workbench.analysis import AbstractAnalysis, labelled
from workbench.records import Curve
from workbench.settings import setting
from workbench.subject import Subject, to_numpy
from zoo.quality import BINS, expected_calibration_error, reliability, wilson
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Calibration(AbstractAnalysis):
    """Reliability diagram: accuracy against confidence, the probability of the predicted class.

    acc(b) over conf(b) for bins b of equal width;  ECE = Σ_b n_b/n |acc(b) − conf(b)|

    Empty bins are left out; the band is Wilson's 95 % interval of each bin's accuracy. On the diagonal the model is
    right as often as it says; below it, it is too sure.

    When it misleads: nearly all samples of a good model sit in the last bin, so the others rest on a handful each (see
    the band), and the ECE depends on the bins. Only the predicted class is judged, not the whole distribution.
    Reference: [guo2017calibration]
    """

    name = "calibration"
    title = "Calibration"
    needs_classes = True

    bins: int = setting(BINS, low=2, high=100, help="Bins of equal width over the confidence")

    def run(self, subject: Subject, samples: Samples) -> Curve:
        self._require(subject, samples)
        labels = to_numpy(labelled(samples).labels)
        probabilities = to_numpy(subject.logits(samples.inputs).double().softmax(-1))
        counts, confidence, accuracy = reliability(probabilities, labels, self.bins)
        error = expected_calibration_error(probabilities, labels, self.bins)
        filled = counts > 0
        hits = np.rint(counts[filled] * accuracy[filled]).astype(int)
        band = np.array([wilson(int(hit), int(count)) for hit, count in zip(hits, counts[filled], strict=True)])
        return Curve(
            title=f"{subject.name}: expected calibration error {error:.3f} on {len(samples):,} samples",
            provenance={
                **self.origin(subject, samples),
                "expected_calibration_error": error,
                "samples_per_bin": counts.tolist(),
            },
            x=confidence[filled],
            y=np.stack([accuracy[filled], confidence[filled]]),
            labels=("measured", "as sure as right"),
            x_title="confidence",
            y_title="accuracy",
            band=band.T,
            band_label="95 % interval of the accuracy",
        )
