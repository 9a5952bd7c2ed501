"""The variables of the environment that are ours; any other with our prefix is most probably a slip."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from indigevent.config.option import ENVIRONMENT_PREFIX
from indigevent.config.options import OPTIONS

# Read by the tests.
_OF_TESTS = tuple(f"{ENVIRONMENT_PREFIX}{part}" for part in ("CI", "LAB_", "PYINDI_"))


def unknown(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that nothing reads; an empty one is as good as none."""
    known = [option.variable for option in OPTIONS if option.variable]
    for name, text in environ.items():
        if not text or not name.startswith(ENVIRONMENT_PREFIX) or name in known or name.startswith(_OF_TESTS):
            continue
        near = get_close_matches(name, known, n=1, cutoff=0.75)
        hint = f"did you mean {near[0]}?" if near else "--help has the options, and each has a variable of its name"
        yield f"environment variable {name} is not known and changes nothing; {hint}"
