"""The environment, read strictly: what is missing or malformed stops the start with a sentence.

Each variable may also be given as ``NAME_FILE``, the path of a file that holds it. A sentence
never repeats the value, which may be a secret. A reader (``web_address``, ...) takes the text of a
variable and raises ``ValueError`` with the half sentence that follows its name.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.FileAwareEnv()

CHECKOUT = Path(__file__).resolve().parent.parent

Value = TypeVar("Value")
WORDS = {"true": True, "on": True, "yes": True, "1": True}
WORDS |= {"false": False, "off": False, "no": False, "0": False}


def read_file() -> None:
    """Take what the environment does not say from the file ``.env``; ``ENV_FILE`` names another."""
    env.read_env(read("ENV_FILE", default=str(CHECKOUT / ".env")))


def read(
    name: str,
    reader: Callable[[str], Value] = str,
    *,
    how: str = "",
    default: str | Callable[[], str] | None = None,
) -> Value:
    """The variable or its default. ``how`` ends the sentence of ``ImproperlyConfigured``."""
    text = _text(name)
    if not text:
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. {how}".strip())
        text = default() if callable(default) else default
    try:
        return reader(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}. {how}".strip()) from None


def on_or_off(text: str) -> bool:
    if text.lower() not in WORDS:
        raise ValueError("must be true or false")
    return WORDS[text.lower()]


def whole_number(*, least: int) -> Callable[[str], int]:
    def reader(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise ValueError(f"must be a whole number, {least} or more")
        return int(text)

    return reader


def seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError("must be a number of seconds")
    return float(text)


def rate(text: str) -> str:
    if not re.fullmatch(r"\d+/(second|minute|hour|day)", text):
        raise ValueError("must be a rate such as 30/hour")
    return text


def words(text: str) -> list[str]:
    """What commas separate."""
    return [word.strip() for word in text.split(",") if word.strip()]


def host_names(text: str) -> list[str]:
    names = words(text)
    if not all(re.fullmatch(r"\*|\.?[\w.-]+|\[[\da-fA-F:.]+\]", name) for name in names):
        raise ValueError("must hold host names without https://, port or path")
    return names


def web_address(text: str) -> str:
    """Scheme and host, perhaps a port, and nothing behind."""
    address = service_address(text)
    if urlsplit(address).path:
        raise ValueError("must end with its host or port, without a path")
    return address


def service_address(text: str) -> str:
    """Like ``web_address``; what stands in for a provider may have its place below a path."""
    url = _split(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise ValueError("must be an address such as https://booking.example.com")
    if url.query or url.fragment:
        raise ValueError("must end with its host, port or path")
    return text.rstrip("/")


def graph_address(text: str) -> str:
    """With or without the version that Microsoft's own examples have behind it."""
    return service_address(text).removesuffix("/v1.0")


def origins(text: str) -> list[str]:
    return [web_address(word) for word in words(text)]


def listening_at(text: str) -> list[str]:
    """Where a web server listens."""
    addresses = words(text)
    if not addresses or not all(map(_is_listening_address, addresses)):
        raise ValueError("must be a host and a port such as 0.0.0.0:8000, or unix: and a path")
    return addresses


def fernet_keys(text: str) -> list[str]:
    keys = words(text)
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(f"is wrong: key {position} is not a Fernet key") from None
    return keys


def postgres_address(text: str) -> str:
    url = _split(text)
    if url is None or url.scheme not in ("postgres", "postgresql") or not url.path.strip("/"):
        raise ValueError("is no address of a PostgreSQL database")
    return text


def redis_address(text: str) -> str:
    """The address, or nothing where no Redis is used."""
    url = _split(text)
    if text and (url is None or url.scheme not in ("redis", "rediss", "unix")):
        raise ValueError("must begin with redis:// or rediss://")
    return text


def mail_server(text: str) -> dict[str, object]:
    """Django's EMAIL_… settings."""
    try:
        config = env.email_url_config(text)
    except (ImproperlyConfigured, ValueError):
        raise ValueError("is no address of a mail server") from None
    if text.startswith("smtp") and not config["EMAIL_HOST"]:
        raise ValueError("names no mail server")
    return config


def sender(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(text)[1]):
        raise ValueError("holds no e-mail address")
    return text


def _text(name: str) -> str:
    try:
        return env.ENVIRON.get(name, "").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from None


def _is_listening_address(text: str) -> bool:
    url = _split(f"//{text}")
    has_port = url is not None and url.netloc == text and bool(url.hostname and url.port)
    return has_port or re.fullmatch(r"unix:.+", text) is not None


def _split(text: str) -> SplitResult | None:
    """The parts of an address; None if it has none, or a port that is no number."""
    with suppress(ValueError):
        url = urlsplit(text)
        if url.port != 0:  # reading it raises
            return url
    return None
