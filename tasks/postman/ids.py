"""What Postman's ids and a backend's URL look like. Pure; knows no file.

An id is a UUID, a uid is the owner's number and an id; dashes are left out in places, and 24 or more hexadecimal digits
are an older form (facts: Postman API v10, and ids seen in real files).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_UUID = re.compile(r"(\d+-)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_LEGACY = re.compile(r"[0-9a-f]{24,}", re.IGNORECASE)


def is_id(text: str) -> bool:
    """Answer whether a text is an id or a uid of Postman's."""
    return bool(_UUID.fullmatch(text) or _LEGACY.fullmatch(text))


def is_key(text: str) -> bool:
    """Answer whether a text is a key of the Postman API, which is not to be shown wherever it stands by mistake."""
    return text.strip().startswith("PMAK-")


def fault_of_id(text: str) -> str:
    """Say what is wrong with an id; "" if nothing is."""
    if is_id(text):
        return ""
    if is_key(text):
        return "this is a key of the Postman API, not an id; put it into the variable POSTMAN_API_KEY"
    if "{" in text or "<" in text or re.search(r"your|here|example|xxx", text, re.IGNORECASE):
        return f"{_shown(text)} is a placeholder; put the id there that Postman shows under Info"
    return (
        f"{_shown(text)} is no id of Postman's: a UUID, a uid such as 12345678-UUID, or 24 or more hexadecimal digits"
    )


def fault_of_url(text: str) -> str:
    """Say what is wrong with a backend's URL; "" if nothing is. Only http and https, with a host."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"{_shown(text)} is no URL: {error}"
    if parts.scheme not in ("http", "https"):
        return f"{_shown(text)} must begin with http:// or https://"
    if not parts.hostname:
        return f"{_shown(text)} names no host"
    if port == 0:
        return f"{_shown(text)} has port 0"
    if re.search(r"\s", text):
        return f"{_shown(text)} has a blank in it"
    if parts.username or parts.password:
        return f"the URL of {parts.hostname} has a user or password in it; send it as a header instead"
    if parts.query or parts.fragment:
        return f"{_shown(text)} has a query or a fragment; the paths of requests are put behind it"
    return ""


def _shown(text: str) -> str:
    if is_key(text):
        return "a key of the Postman API"
    return repr(text if len(text) <= 60 else text[:57] + "...")
