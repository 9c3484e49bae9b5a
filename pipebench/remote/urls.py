"""URLs as text: which are local, how they are joined, and how they are shown."""

from urllib.parse import urlsplit


def is_local(url: str) -> bool:
    """Whether the URL names this host's filesystem."""
    return "://" not in url or url.startswith("file://")


def local_path(url: str) -> str:
    """A local URL as a path."""
    return url.removeprefix("file://")


def join(url: str, name: str) -> str:
    """The URL of a file in a folder."""
    return f"{url.rstrip('/')}/{name}"


def shown(url: str) -> str:
    """The URL for messages and results: without user, password and query."""
    if is_local(url):
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
