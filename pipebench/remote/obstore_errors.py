"""What obstore raises, as the errors of `contract`. Of its texts only known words pass.

They quote URLs, headers and whatever the server, or somebody between, has answered.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore import exceptions

from pipebench.redact import scrubbed
from pipebench.remote.contract import Again

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_PATIENCE_ASKED = frozenset({408, 425, 429})
_AWS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for what is public"
_CREDENTIALS = {
    "/computeMetadata/": "GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SKIP_SIGNATURE=true for what is public",
    "/metadata/identity": "AZURE_STORAGE_ACCOUNT_KEY, or AZURE_SKIP_SIGNATURE=true for what is public",
    "169.254.169.254": _AWS,
    "[fd00:ec2::254]": _AWS,
    "169.254.170.2": _AWS,
}
"""Where hosts of a cloud ask for credentials, and what to set on others, where nobody answers there."""
_MEANINGS = (
    ("operation timed out", "no answer in time"),
    ("TimedOut", "no answer in time"),
    ("ConnectionRefused", "the connection was refused"),
    ("ConnectionReset", "the connection was reset"),
    ("IncompleteMessage", "the connection broke off"),
    ("UnexpectedEof", "the connection broke off"),
    ("dns error", "its host's name is not known"),
    ("kind: Body", "the connection broke off"),
    ("kind: Decode", "the connection broke off"),
    ("HTTP error", "the connection failed"),
)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what obstore raises inside into an `OSError`; `Again` where another try may help."""
    try:
        yield
    except (exceptions.BaseError, OSError, ValueError) as error:
        raise _meaning(error) from None


def status(error: Exception) -> int | None:
    """The HTTP status that an error of obstore tells, if any."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def _meaning(error: Exception) -> OSError:
    number = status(error)
    if isinstance(error, FileNotFoundError) or number == 404:
        missing = "bucket" if _code(error) == "NoSuchBucket" else "object"
        return FileNotFoundError(errno.ENOENT, f"there is no such {missing}")
    for place, variables in _CREDENTIALS.items():
        if place in str(error):
            return PermissionError(errno.EACCES, f"no credentials were found; set {variables}")
    if number is not None:
        return _of_status(number, " ".join(filter(None, (str(number), _code(error)))))
    return _without_answer(error)


def _of_status(number: int, shown: str) -> OSError:
    if number in (401, 403):
        return PermissionError(errno.EACCES, f"access is denied: the storage answered {shown}")
    if number >= 500 or number in _PATIENCE_ASKED:
        return Again(f"the storage answered {shown}")
    return OSError(errno.EIO, f"the storage answered {shown}")


def _without_answer(error: Exception) -> OSError:
    for words, meaning in _MEANINGS:
        if words in str(error):
            return Again(meaning)
    said = first_line(error)
    return Again(said) if isinstance(error, exceptions.GenericError) else OSError(errno.EINVAL, said)


def first_line(error: Exception) -> str:
    """Of an error's own text, without credentials."""
    return scrubbed(str(error)).partition("\n")[0][:300]


def _code(error: Exception) -> str | None:
    """S3's own name for what went wrong."""
    found = _CODE.search(str(error))
    return found[1] if found else None
