"""Models of clothes."""

from zoo.recipe import Recipe

RECIPES: tuple[Recipe, ...] = ()
