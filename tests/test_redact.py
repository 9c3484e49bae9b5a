"""No credential passes."""

import pytest

from pipebench.errors import one_line
from pipebench.files import shown, why
from pipebench.redact import scrubbed

SECRET = "wJalr/XUtnF+EMI=K7MDENG"  # noqa: S105 - nobody's


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("SOME_OTHER_TOKEN", "tok-0123456789")
    monkeypatch.setenv("SHORT_KEY", "true")


@pytest.mark.parametrize(
    "text",
    [
        f"wrong key {SECRET} given",
        "wrong key wJalr%2FXUtnF%2BEMI%3DK7MDENG given",
        "it says tok-0123456789",
        "GET https://user:hunter2@host/bucket/key failed",
        "GET https://host/key?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2 in 3 ms",
        "GET 'https://host/key?sig=hunter2' failed",
        "Authorization: AWS4-HMAC-SHA256 Credential=hunter2/2026/us/s3, Signature=hunter2",
        "authorization: Bearer hunter2",
        "Authorization: Basic hunter2",
        "x-amz-security-token: hunter2",
        "X-Goog-Signature=hunter2",
        '{"secret_access_key": "hunter2", "token": "hunter2", "password": "hunter2"}',
        "AccountKey=hunter2;EndpointSuffix=x",
        "<AWSAccessKeyId>hunter2</AWSAccessKeyId><StringToSign>hunter2</StringToSign>",
        "the key AKIAHUNTER2HUNTER2HU is unknown",
    ],
)
def test_secrets_go(text: str) -> None:
    said = scrubbed(text)
    assert not any(word in said for word in (SECRET, "wJalr", "tok-0123456789", "hunter2", "HUNTER2"))
    assert len(said) > 5


@pytest.mark.parametrize(
    "text",
    [
        "the sample 'a/b.jpg' has the key: a/b",
        "KeyError: 'key'",
        "dali:prefetch=4,decoder=mixed",
        "monkey=5, tokens=7",
        "https://host/bucket/key failed",
        "nothing is true",
        "mail someone@example.org",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_every_text_that_is_printed_is_scrubbed_before_it_is_cut() -> None:
    assert SECRET[-5:] not in one_line(SECRET, longest=10)
    assert why(OSError(5, f"no {SECRET}")) == "no ***"
    assert why(ValueError(f"no {SECRET}")) == "no ***"


def test_urls_are_shown_without_credentials() -> None:
    assert shown("https://user:hunter2@host/a/b?sig=hunter2#x") == "https://host/a/b"
    assert shown("s3://bucket/a/b") == "s3://bucket/a/b"
    assert shown("/a/b?c@d") == "/a/b?c@d"
