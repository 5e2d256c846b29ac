"""Coverage-guided fuzzing of one target, by hand: it runs until it finds something or is told to end.

    python tests/fuzz/fuzz.py kafka-request /some/corpus tests/fuzz/corpus/kafka-request -max_total_time=300

Needs atheris (pip install atheris). The targets are those of tests/fuzz_targets.py. All after the name is
libFuzzer's: directories with inputs, of which the first one gets what is new, and options. An input that
fails is written to a file; it belongs into the corpus, which tests/fuzz/test_corpus.py runs again, together
with the mend. `fuzz.py seed kafka-request /some/corpus` writes valid inputs to begin with. Of what was found,
the smallest inputs that reach code the others do not are worth keeping in the corpus.
"""

import random
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
SEEDS = 200


def main(arguments: list[str]) -> None:
    """Never returns, but for `seed`: libFuzzer ends the process."""
    sys.path[:0] = [str(TESTS.parent), str(TESTS)]
    if arguments[1:2] == ["seed"]:
        write_seeds(arguments[2], Path(arguments[3]))
        return
    import atheris

    with atheris.instrument_imports(include=["quekka"]):
        from fuzz_targets import TARGETS
    atheris.Setup([arguments[0], *arguments[2:]], TARGETS[arguments[1]].run)
    atheris.Fuzz()


def write_seeds(name: str, directory: Path) -> None:
    """Valid inputs of a target, the same ones each time."""
    from fuzz_targets import TARGETS

    directory.mkdir(parents=True, exist_ok=True)
    for number in range(SEEDS):
        (directory / f"seed-{number:03}").write_bytes(TARGETS[name].make(random.Random(number)))


if __name__ == "__main__":
    main(sys.argv)
