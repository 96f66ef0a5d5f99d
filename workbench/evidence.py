"""Evidence: how far one explanation can be trusted, by stated rules, in three words and with each reason's number.

Supported: every check holds. Mixed: some do. Not supported: the map is no better than a random order of the features,
neither when they are removed nor when they are put back, or it is the same whatever the weights, or those of the upper
half of the layers, are. A check that cannot be made (a traditional model has no weights to randomise, two words have
only two orders) is named among the remarks and counts for nothing, as do the agreement with other methods and the cost;
without any comparison to a random order the grade is at most Mixed. Of a control it is known without a check that its
map is the same whatever the model.
"""

from collections.abc import Iterator

from workbench import grounds
from workbench.metrics.deletion import Deletion
from workbench.metrics.insertion import Insertion
from workbench.records import Attribution, Evidence, Grade, Reason
from workbench.subject import Subject
from zoo.task import Samples


def evidence(subject: Subject, samples: Samples, attribution: Attribution, seed: int = 0) -> list[Evidence]:
    """What speaks for and against each sample's attribution, and the grade that follows from it.

    Costs a hundred random orders of each sample (once for all methods) and repeats the method three times on random
    weights, twice on those of a deep network's upper half, twice at inputs nearby, twice more where it depends on a
    seed; two other methods explain the samples too. Raises `InputError` where the samples are not those explained.
    """
    told: list[Iterator[Reason | str | None]] = [
        grounds.completeness(attribution),
        grounds.removal(Deletion(n_orders=grounds.ORDERS, seed=seed), subject, samples, attribution),
        grounds.removal(Insertion(n_orders=grounds.ORDERS, seed=seed), subject, samples, attribution),
        grounds.weights(subject, samples, attribution, seed),
        grounds.upper_weights(subject, samples, attribution, seed),
        grounds.nearby(subject, samples, attribution, seed),
        grounds.seeds(subject, samples, attribution),
        grounds.localisation(subject, samples, attribution, seed),
        grounds.agreement(subject, samples, attribution),
        grounds.cost(samples, attribution),
    ]
    found = [reasons for one in told if (reasons := list(one))]
    return [_graded(attribution, sample, [reasons[sample] for reasons in found]) for sample in range(len(samples))]


def _graded(attribution: Attribution, sample: int, found: list[Reason | str | None]) -> Evidence:
    """The grade by the rules at the top; what is no check is a text."""
    made = tuple(one for one in found if isinstance(one, Reason))
    holds = {reason.check: reason.holds for reason in made}
    orders = [holds[check] for check in ("deletion", "insertion") if check in holds]
    blind = not all(holds.get(check, True) for check in ("random weights", "upper weights"))
    if (orders and not any(orders)) or blind:
        grade = Grade.NOT_SUPPORTED
    else:
        grade = Grade.SUPPORTED if orders and all(holds.values()) else Grade.MIXED
    return Evidence(
        title=f"Evidence for {attribution.method} on {attribution.sample_ids[sample]}",
        subject=attribution.subject,
        method=attribution.method,
        sample_id=attribution.sample_ids[sample],
        grade=grade,
        reasons=made,
        remarks=tuple(one for one in found if isinstance(one, str)),
        provenance=attribution.provenance,
    )
