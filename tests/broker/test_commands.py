"""Tests of quekka.broker.commands."""

import pytest

from quekka.broker import commands
from quekka.broker.topic_writer import TopicWriter


def test_commands_are_frozen() -> None:
    command = commands.StopCommand(commands.Completion())
    with pytest.raises(AttributeError):
        command.done = commands.Completion()  # type: ignore[misc]


def test_the_writer_has_an_action_for_every_command(core) -> None:
    writer: TopicWriter = core.topics.create("logs").writer
    names = {name for name in vars(commands) if name.endswith("Command") and name != "Command"}
    own_branches = {"AppendCommand", "StopCommand", "RetireCommand"}
    assert {kind.__name__ for kind in writer._actions} == names - own_branches
