"""Lessons | What do you expect, and what is measured?"""

import streamlit as st

from pages.ui import blocks, controls, forms, question, show, waiting, work
from workbench.lesson import lessons
from workbench.report.blocks import Question, Verdict

course = lessons()
titles = {name: f"{kind.number}. {kind.title}" for name, kind in course.items()}
head = st.container()
name = controls.choose("Lesson", list(course), key="lesson", titles=titles)
kind = course[name]
with head:
    show.title(f"|{kind.title}", f"lesson {kind.number} · the claim: {kind.claim}")
with st.expander("Change the experiment"):
    lesson = forms.configure_all([kind])[0]

opening = waiting.result(work.opening(lesson), "opening")
if opening is None:
    st.stop()
blocks.sections([block for block in opening if not isinstance(block, Question)], f"{name} opening")
asked = next((block for block in opening if isinstance(block, Question)), None)
answer = question.ask(asked, "answer") if asked is not None else None
if asked is not None and answer is None:
    st.stop()

content = waiting.result(work.whole(lesson), "lesson")
if content is not None:
    verdict = next((block for block in content if isinstance(block, Verdict)), None)
    if asked is not None and answer is not None:
        question.judged(asked, answer, verdict)
    blocks.sections(content[len(opening) :], name)
    show.document(content, f"Lesson {kind.number}: {kind.title}", f"lesson-{name}")
