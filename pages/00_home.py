"""Home | What did the model look at, and how far can that be trusted?"""

from pages.ui import show

show.title("What did the model look at?")
