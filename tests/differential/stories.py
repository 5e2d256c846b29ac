"""All stories, in the order in which they are played."""

from differential import (
    configs_stories,
    groups_stories,
    offsets_stories,
    producers_stories,
    records_stories,
    topics_stories,
)

MODULES = (
    topics_stories,
    groups_stories,
    offsets_stories,
    records_stories,
    producers_stories,
    configs_stories,
)
STORIES = tuple(story for module in MODULES for story in module.STORIES)
