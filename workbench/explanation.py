"""Explain: ask a method how much each input moved the explained scalar, and keep what it takes to ask again."""

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from workbench import settings
from workbench.forwards import Forwards
from workbench.provenance import provenance
from workbench.quantity import significant
from workbench.query import Query
from workbench.records import Attribution, Output, Target
from workbench.soundness import check_classes, is_out_of_memory
from workbench.subject import Subject, read, to_numpy
from zoo.discovery import discover, find
from zoo.errors import InputError
from zoo.model import Capability
from zoo.task import Kind, Samples


class Claim(StrEnum):
    """What a method promises. Each claim has a check in the tests that every claimant must pass."""

    COMPLETENESS = "completeness"
    """Σ a = f(x) − f(x')."""
    DUMMY = "dummy"
    """A feature that f ignores gets 0."""
    LINEARITY = "linearity"
    """a(αf + βg) = α a(f) + β a(g)."""
    SYMMETRY = "symmetry"
    """Features that are interchangeable in f, x and x' get the same."""
    IMPLEMENTATION_INVARIANCE = "implementation_invariance"
    """Two networks that compute the same function get the same attribution."""
    CONTROL = "control"
    """Knows nothing of the model: what any real method must beat."""


@dataclass(frozen=True, kw_only=True)
class AbstractMethod(settings.Extension):
    """An attribution method: a frozen configuration that can attribute a query.

    `needs` decides which models offer it; `claims` which checks run on it; `hidden` how values over an embedding's
    hidden axis become one per token ("sum" keeps completeness, "norm" is for magnitudes).
    """

    claims: ClassVar[frozenset[Claim]] = frozenset()
    needs: ClassVar[frozenset[Capability]] = frozenset()
    kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)
    hidden: ClassVar[str] = "sum"

    @abstractmethod
    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        """Values in the shape of the inputs, or of the points (embeddings) where the method uses gradients."""

    @abstractmethod
    def cost(self, query: Query) -> tuple[int, int]:
        """Forward and backward passes per sample that a call takes (usually, where it adapts to the sample)."""

    def reference(self, query: Query) -> Tensor | None:
        """The reference inputs x' of a method that has one for each sample."""
        return None

    def f_reference(self, query: Query) -> Float[Tensor, "sample"] | None:
        """f(x'), from which the values count, and so the completeness gap; a mean where a method has several x'."""
        reference = self.reference(query)
        return None if reference is None else query.values(reference)

    def why_not(self, query: Query) -> str | None:
        """None where the method, as it is set, can answer this query; else one sentence that says why not, and what to
        do. Whether it fits the subject at all is said by `needs` and `kinds`."""
        return None

    def is_random(self) -> bool:
        """Whether another seed gives other values."""
        return any(field.name == "seed" for field in settings.fields(self))

    def rough(self) -> Self:
        """A configuration that costs less and whose values still rank alike, for checks that repeat the method."""
        return self


def methods() -> dict[str, type[AbstractMethod]]:
    """Every attribution method there is, by name."""
    return discover("workbench.methods", AbstractMethod)


def method(name: str, /, **given: Any) -> AbstractMethod:
    """A method by its name and settings, which may be text."""
    return settings.build(find("workbench.methods", AbstractMethod, name, "method"), given)


def why_not(kind: type[AbstractMethod], subject: Subject) -> str | None:
    """None where a method fits a subject; else one sentence that says why it does not."""
    if missing := lacking(kind, subject):
        return f"{kind.title} needs {' and '.join(missing)}, which {subject.name} does not offer."
    if subject.task.kind not in kind.kinds:
        return f"{kind.title} is for {', '.join(sorted(kind.kinds))}; {subject.task.name} is {subject.task.kind}."
    return None


def lacking(kind: type[AbstractMethod], subject: Subject) -> list[Capability]:
    """What a method needs and the model does not offer."""
    words = Capability.GRADIENT in kind.needs and subject.task.kind is Kind.TEXT
    needed = kind.needs | {Capability.EMBEDDING} if words else kind.needs
    return sorted(needed - subject.capabilities)


def refusal(method: AbstractMethod, subject: Subject, samples: Samples, target: Target = Target()) -> str | None:
    """None where a method can explain these samples of a subject; else one sentence that says why it cannot."""
    if (reason := why_not(type(method), subject)) is not None:
        return reason
    subject.check(samples)
    return method.why_not(Query(subject, samples, samples.labels.clamp(min=0), target.output))


def methods_for(
    subject: Subject, samples: Samples | None = None, target: Target = Target()
) -> dict[str, type[AbstractMethod]]:
    """The methods that fit a subject and, where samples are given, can explain them as they are by default."""
    fitting = {name: kind for name, kind in methods().items() if why_not(kind, subject) is None}
    if samples is None:
        return fitting
    return {name: kind for name, kind in fitting.items() if refusal(kind(), subject, samples, target) is None}


def explain(
    subject: Subject,
    samples: Samples,
    method: AbstractMethod,
    target: Target = Target(),
    classes: Int[Tensor, "sample"] | None = None,
) -> Attribution:
    """How much each input of each sample moved the target, by a method.

    `classes` gives each sample a class of its own, in place of the one that the target means.

    Raises `InputError` where the method does not fit the subject or the samples, the samples do not fit the task, or
    the result is not finite. The samples, the subject and torch's global generator are left as they were.
    """
    logits = _checked(subject, samples, method)
    if classes is None:
        classes = logits.argmax(-1).cpu() if target.of == "predicted" else subject.explained_classes(samples, target)
    else:
        check_classes(classes, logits)
    return _made(subject, samples, method, target, classes, logits)


def explain_classes(
    subject: Subject,
    samples: Samples,
    method: AbstractMethod,
    classes: Sequence[int] | None = None,
    output: Output = Output.LOGIT,
) -> list[Attribution]:
    """The same samples explained for each of several classes (default: all of the task), which share forward passes.

    Each record is what `explain` gives for that class. What a method asks of the model again, for inputs that are the
    same for every class, is computed once: one forward and K backward passes for K classes by a gradient, one run of
    all coalitions by kernel SHAP. Propagation along a tape (DeepLIFT, LRP) and class-activation maps share nothing.

    Graphs and logits are kept until the last class is done, up to a limit. Errors as `explain`.
    """
    logits, forwards = _checked(subject, samples, method), Forwards(subject.model)
    found = []
    for index in range(logits.shape[1]) if classes is None else classes:
        target = Target(of=index, output=output)
        asked = subject.explained_classes(samples, target)
        found.append(_made(subject, samples, method, target, asked, logits, forwards))
    return found


def _checked(subject: Subject, samples: Samples, method: AbstractMethod) -> Float[Tensor, "sample class"]:
    """The logits of samples that fit the subject, as the method does; else `InputError`."""
    if (reason := why_not(type(method), subject)) is not None:
        fitting = ", ".join(methods_for(subject))
        raise InputError(f"{reason} Methods that fit: {fitting}.")
    subject.check(samples)
    return _answers(subject, samples)


def _made(
    subject: Subject,
    samples: Samples,
    method: AbstractMethod,
    target: Target,
    classes: Int[Tensor, "sample"],
    logits: Float[Tensor, "sample class"],
    forwards: Forwards | None = None,
) -> Attribution:
    view = subject.metered()
    start = time.perf_counter()
    query = Query(view, samples, classes, target.output, forwards)
    if (reason := method.why_not(query)) is not None:
        raise InputError(reason)
    values = to_numpy(_attributed(method, query))
    seconds = time.perf_counter() - start
    counted_from = method.f_reference(query)
    f_reference = np.full(len(samples), np.nan) if counted_from is None else to_numpy(counted_from)
    if not (np.isfinite(values).all() and (counted_from is None or np.isfinite(f_reference).all())):
        raise InputError(
            f"{method.title} of {subject.name} gave values that are not finite: where the method looked, the model's "
            "answers or gradients are NaN or infinite. Check its weights."
        )
    record = Attribution(
        values=values,
        axes=_axes(subject, values),
        method=method.name,
        parameters=settings.values(method),
        target=target,
        f_x=to_numpy(read(logits, classes, target.output)).astype(np.float64),
        f_reference=f_reference.astype(np.float64),
        seed=getattr(method, "seed", None),
        seconds=seconds,
        forward_passes=view.meter.forward,
        backward_passes=view.meter.backward,
        claims=tuple(sorted(method.claims)),
        provenance=provenance(subject),
        **_described(subject, samples, logits, classes),
    )
    if "hidden" not in record.axes:
        return record
    return record.sum("hidden") if method.hidden == "sum" else record.norm("hidden")


def _answers(subject: Subject, samples: Samples) -> Float[Tensor, "sample class"]:
    """The logits; raises `InputError` where they are not finite, before any method is misled by them."""
    logits = subject.logits(samples.inputs)
    wrong = (~logits.isfinite().all(1)).nonzero()[:, 0].tolist()
    if wrong:
        raise InputError(
            f"{subject.name} answers {samples.ids[wrong[0]]} with numbers that are not finite, which cannot be "
            "explained. Check its weights, or leave that sample out."
        )
    return logits


def _attributed(method: AbstractMethod, query: Query) -> Float[Tensor, "sample ..."]:
    """The values; raises `InputError` where one row at a time is still too much for the memory there is."""
    try:
        return method.attribute(query)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        sizes = [entry.name for entry in settings.fields(method) if entry.type is int and entry.name != "seed"]
        lower = f"Lower {' or '.join(sizes)}, or explain" if sizes else "Explain"
        raise InputError(
            f"{method.title} needs more memory than there is for {len(query.samples)} samples of {query.subject.name}. "
            f"{lower} fewer samples at once."
        ) from error


def _described(subject: Subject, samples: Samples, logits: Tensor, classes: Tensor) -> dict[str, Any]:
    """What a record says of its samples: the fields that do not depend on the method. Of a number the names are the
    number itself, and there is no probability."""
    predicted = logits.argmax(-1)
    number = subject.task.regression
    asked = None if samples.values is None else samples.values.tolist()
    return {
        "subject": subject.name,
        "sample_ids": samples.ids,
        "inputs": to_numpy(samples.inputs),
        "classes": to_numpy(classes),
        "class_names": _names(subject, classes),
        "predicted": to_numpy(predicted),
        "predicted_names": _numbers(logits[:, 0].tolist()) if number else _names(subject, predicted),
        "probability": np.full(len(samples), np.nan) if number else to_numpy(logits.softmax(-1).amax(-1)),
        "labels": to_numpy(samples.labels),
        "label_names": _numbers(asked or [None] * len(samples)) if number else _names(subject, samples.labels),
        "evidence": None if samples.evidence is None else to_numpy(samples.evidence),
        "tokens": samples.tokens,
        "words": samples.words,
        "texts": samples.texts,
        "feature_names": subject.task.features,
    }


def _axes(subject: Subject, values: np.ndarray) -> tuple[str, ...]:
    axes = ("sample", *subject.task.axes)
    return (*axes, "hidden") if values.ndim == len(axes) + 1 else axes


def _numbers(values: Sequence[float | None]) -> tuple[str, ...]:
    return tuple("" if value is None else significant(value) for value in values)


def _names(subject: Subject, indices: Tensor) -> tuple[str, ...]:
    return tuple(subject.task.classes[i] if i >= 0 else "" for i in indices.tolist())
