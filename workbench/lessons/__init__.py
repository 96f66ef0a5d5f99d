"""The course: one file per lesson. A file is all it takes to add one."""

from workbench.lesson import AbstractLesson, lesson, lesson_html, lessons

__all__ = ["AbstractLesson", "lesson", "lesson_html", "lessons"]
