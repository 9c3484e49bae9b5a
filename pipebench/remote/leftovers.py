"""Uploads in parts that nobody ended: S3 keeps what they sent, unseen and paid for.

obstore has no calls for them, so these requests are signed here, after "Signature Calculations for the
Authorization Header" (AWS Signature Version 4) in the S3 API reference. They need the keys in the
environment; where other credentials are used, only a lifecycle rule of the bucket clears them away.
"""

import hashlib
import hmac
import html
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from pipebench.remote.contract import Again
from pipebench.remote.patience import Patience, persist

MOST_ROUNDS = 1000
"""Of listing and ending; a listing shows up to 1000 uploads."""
MOST_BYTES = 2**24
"""Of an answer."""

_UPLOAD = re.compile(r"<Upload>.*?<Key>(.*?)</Key>.*?<UploadId>(.*?)</UploadId>.*?</Upload>", re.DOTALL)
_MEANINGS: Mapping[type[Exception], str] = {
    ConnectionRefusedError: "the connection was refused",
    ConnectionResetError: "the connection was reset",
    RemoteDisconnected: "the connection broke off",
    TimeoutError: "no answer in time",
}
_NOTHING = hashlib.sha256(b"").hexdigest()


class _Account(NamedTuple):
    """Who asks, and where; all from the environment."""

    endpoint: str
    region: str
    key: str
    secret: str
    token: str | None


def clear(url: str, patience: Patience, *, below: bool) -> int | None:
    """Ends the unfinished uploads to that URL or, if `below`, to all of its folder; how many there were.

    None where they cannot be told: no S3, or no keys in the environment. Raises `OSError`.
    """
    scheme, _, rest = url.partition("://")
    account = _account(os.environ)
    if scheme not in ("s3", "s3a") or account is None:
        return None
    bucket, _, key = rest.partition("/")
    prefix = f"{key.rstrip('/')}/" if below and key else key
    ended = 0
    for _ in range(MOST_ROUNDS):
        begun = _uploads(account, bucket, prefix, patience)
        found = [(name, upload) for name, upload in begun if below or name == key]
        for name, upload in found:
            _asked(account, "DELETE", f"/{bucket}/{name}", {"uploadId": upload}, patience)
        ended += len(found)
        if not found:
            break
    return ended


def _account(environment: Mapping[str, str]) -> _Account | None:
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret or environment.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() == "true":
        return None
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    named = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    endpoint = named or f"https://s3.{region}.amazonaws.com"
    return _Account(endpoint.rstrip("/"), region, key, secret, environment.get("AWS_SESSION_TOKEN"))


def _uploads(account: _Account, bucket: str, prefix: str, patience: Patience) -> list[tuple[str, str]]:
    """Keys and what names their uploads, of the first page."""
    answer = _asked(account, "GET", f"/{bucket}", {"prefix": prefix, "uploads": ""}, patience)
    return [(html.unescape(name), html.unescape(upload)) for name, upload in _UPLOAD.findall(answer)]


def _asked(account: _Account, method: str, path: str, query: Mapping[str, str], patience: Patience) -> str:
    return persist(lambda: _ask(account, method, path, query, patience.timeout), patience.seconds)


def _ask(account: _Account, method: str, path: str, query: Mapping[str, str], timeout: float) -> str:
    """One request's answer; what is gone already answers nothing."""
    place = urlsplit(account.endpoint)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=timeout)
    target = quote(place.path + path, safe="/-_.~")
    asked = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
    headers = _signed(account, method, target, asked, place.netloc, datetime.now(UTC))
    try:
        connection.request(method, f"{target}?{asked}", headers=headers)
        response = connection.getresponse()
        body = response.read(MOST_BYTES).decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise Again(_MEANINGS.get(type(error), "the connection failed")) from None
    finally:
        connection.close()
    if response.status >= 500 or response.status == 429:
        raise Again(f"the storage answered {response.status}")
    if response.status >= 300 and response.status != 404:
        raise OSError(5, f"the storage answered {response.status}")
    return body if response.status < 300 else ""


def _signed(
    account: _Account, method: str, target: str, query: str, host: str, now: datetime
) -> Mapping[str, str]:
    """The headers of a request without a body."""
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": _NOTHING, "x-amz-date": stamp}
    if account.token:
        headers["x-amz-security-token"] = account.token
    lines, names = "".join(f"{name}:{value}\n" for name, value in headers.items()), ";".join(headers)
    request = f"{method}\n{target}\n{query}\n{lines}\n{names}\n{_NOTHING}"
    scope = f"{day}/{account.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{account.secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), "sha256").digest()
    signed = (
        f"AWS4-HMAC-SHA256 Credential={account.key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    )
    return headers | {"authorization": signed}
