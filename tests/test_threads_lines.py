"""Every class where threads meet says which threads may use it."""

import ast

from source_tree import Module, modules

WHERE = ("quekka.storage.", "quekka.broker.", "quekka.servers.")


def fault(node: ast.ClassDef) -> str | None:
    """Why the class' docstring does not end with a `Threads:` line, or None when it does."""
    docstring = ast.get_docstring(node)
    if docstring is None:
        return "has no docstring"
    last_paragraph = docstring.strip().split("\n\n")[-1].splitlines()
    if not any(line.startswith("Threads: ") for line in last_paragraph):
        return "has a docstring that does not end with a 'Threads: ...' line"
    return None


def classes(module: Module) -> list[ast.ClassDef]:
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]


def test_every_class_says_which_threads_may_use_it() -> None:
    wrong = [
        f"{module.where}:{node.lineno}: class {node.name} {fault(node)}"
        for module in modules()
        if module.name.startswith(WHERE)
        for node in classes(module)
        if fault(node)
    ]
    assert not wrong, "\n" + "\n".join(wrong)
