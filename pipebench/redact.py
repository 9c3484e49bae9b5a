"""Takes credentials out of text that others wrote: errors, answers of servers, URLs."""

import os
import re
from collections.abc import Iterator
from urllib.parse import quote

MASK = "***"
SHORTEST = 8
"""Characters of the shortest value of the environment that is taken for a secret: `true` is none."""

_NAMES = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
"""In the names of environment variables that hold secrets."""

_RULES = (
    # user:password@ in a URL
    (re.compile(r"(?<=://)[^/\s@'\"]+@"), ""),
    # the query of a URL, as of a presigned one
    (re.compile(r"(://[^\s?'\"<>]*)\?[^\s'\"<>)]*"), r"\1"),
    # an access key's id: "Understanding unique ID prefixes" in AWS's IAM reference
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), MASK),
    # what S3 quotes where a signature is wrong
    (
        re.compile(r"<(AWSAccessKeyId|StringToSign\w*|CanonicalRequest\w*|SignatureProvided)>[^<]*"),
        rf"<\1>{MASK}",
    ),
    # headers and parameters, whatever is between name and value
    (
        re.compile(
            r"\b((?:x-(?:amz|goog|ms)-)?(?:authorization|security-token|signature|credential|token|password"
            r"|passwd|secret|(?:(?:aws|account|api|secret|access|shared|private)_?)+key(?:_?id)?))\b"
            r"([\"']?\s*[:=]\s*[\"']?(?:bearer |basic )?)[^\s,;&\"'<>|]+",
            re.IGNORECASE,
        ),
        rf"\1\2{MASK}",
    ),
)


def scrubbed(text: str) -> str:
    """The text without credentials: those of the environment, in URLs, headers and signed queries."""
    for secret in _secrets():
        text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _secrets() -> Iterator[str]:
    for name, value in os.environ.items():
        if len(value) >= SHORTEST and _NAMES.search(name):
            yield value
