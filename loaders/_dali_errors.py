"""DALI's exceptions, which quote the graph's Python lines, as one sentence."""

import re

from pipebench.errors import BadInput

_OPERATOR = re.compile(r"operator `nvidia\.dali\.fn\.(\w+)")
_CAUSE = re.compile(r"encountered:\s*(?:Assert on .* failed: )?(.+)")


def explained(error: RuntimeError) -> Exception:
    """`BadInput` where a reader or decoder failed: its input is the data. Else the cause alone."""
    operator, cause = _OPERATOR.search(str(error)), _CAUSE.search(str(error))
    if operator is None or cause is None:
        return error
    if operator[1] in ("readers", "decoders"):
        return BadInput(f"DALI cannot use a sample: {cause[1].strip()}; index the dataset again")
    return RuntimeError(cause[1].strip())
