"""Arguments checked where they are given, with an error that names the argument."""

from quekka.errors import InvalidConfigError


def at_least(minimum: float, **arguments: float) -> None:
    """Raises InvalidConfigError that names the first of `arguments` below `minimum`."""
    for name, value in arguments.items():
        if value < minimum:
            raise InvalidConfigError(f"{name}={value}: less than {minimum:g}")


def one_of(allowed: tuple[object, ...], **arguments: object) -> None:
    """Raises InvalidConfigError that names the first of `arguments` that is not among `allowed`."""
    for name, value in arguments.items():
        if value not in allowed:
            raise InvalidConfigError(f"{name}={value}: not one of {', '.join(str(word) for word in allowed)}")
