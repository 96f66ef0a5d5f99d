"""Evaluate | Which methods can be trusted on this model?"""

from pages.ui import controls, leagues, measured, show
from workbench import archive

VIEWS = {"league": "All methods", "here": "A few, measured now"}

chosen = controls.chosen()
show.title(__doc__, f"{chosen.model} · every method by every metric, beside a control")
kept = chosen.model in archive.kept()
view = controls.choose("Shown", list(VIEWS), key="view", default="league" if kept else "here", titles=VIEWS)
if view == "here":
    measured.page(chosen)
elif kept:
    leagues.page(chosen, archive.read(chosen.model))
else:
    show.problem(
        f"No league of {chosen.model} is kept. Compute it with `workbench league {chosen.model}`, or measure a few "
        "methods now."
    )
