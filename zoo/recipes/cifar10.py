"""Models of small photographs."""

from zoo.recipe import Recipe

RECIPES: tuple[Recipe, ...] = ()
