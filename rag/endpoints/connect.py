"""How the hosts that settings name are connected to: directly on loopback, and never another one.

httpx is imported at the first use: a command that asks nobody does not wait for it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from rag.errors import ConfigError
from rag.redact import without_userinfo

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

__all__ = ["async_client", "client", "is_loopback", "is_openai", "needed_only"]

HEADERS = {
    *("host", "accept", "accept-encoding", "connection"),
    *("content-type", "content-length", "transfer-encoding", "user-agent"),
}
"""What HTTP needs."""


def is_loopback(url: str) -> bool:
    """Whether the address stays on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_openai(url: str) -> bool:
    """Whether it is OpenAI itself that answers there."""
    return urlsplit(url).hostname == "api.openai.com"


def needed_only(request: httpx.Request, key: str) -> None:
    """Leave a request that openai made only the headers it needs.

    openai adds an organisation, a project and custom headers from the environment, meant for OpenAI
    and secret from others, and a description of this machine.

    Args:
        request: changed in place.
        key: of the host that is asked; "" where it needs none. A name and a password in the address
            go before it.
    """
    named = bool(request.url.username or request.url.password)  # httpx has put them in then
    kept = HEADERS | ({"authorization"} if named else set())
    for name in set(request.headers) - kept:
        del request.headers[name]
    if key and not named:
        request.headers["Authorization"] = f"Bearer {key}"


def client(url: str, timeout: httpx.Timeout | float) -> httpx.Client:
    """A client for one address.

    Args:
        url: what will be asked; its host decides on proxies and certificates.
        timeout: seconds.

    Raises:
        ConfigError: the environment names a proxy or certificates that cannot be used.
    """
    import httpx

    return _made(httpx.Client, url, timeout)


def async_client(url: str, timeout: httpx.Timeout | float) -> httpx.AsyncClient:
    """`client` for an event loop."""
    import httpx

    return _made(httpx.AsyncClient, url, timeout)


def _made(make: Callable[..., T], url: str, timeout: httpx.Timeout | float) -> T:
    import httpx

    options: dict[str, Any] = {
        "timeout": timeout,
        # What is asked goes to the host that was named and to no other one.
        "follow_redirects": False,
        # Loopback is never asked through a proxy of the environment.
        "trust_env": not is_loopback(url),
    }
    try:
        # Those that the environment names count on loopback too. Plain HTTP needs none, and
        # loading them takes 50 ms.
        secure = urlsplit(url).scheme == "https"
        return make(**options, verify=httpx.create_ssl_context() if secure else False)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # Nothing else of what is given here can be wrong.
        raise _no_proxy(error) from error
    except OSError as error:  # no files are read but certificates
        raise _no_certificates(error) from error


def _no_certificates(error: OSError) -> ConfigError:
    """The error for files that https needs. It names the variable that names the file."""
    # Of the two for certificates httpx takes the first; only for the log does Python name the file.
    names = ("SSLKEYLOGFILE",) if error.filename else ("SSL_CERT_FILE", "SSL_CERT_DIR")
    name = next((name for name in names if os.environ.get(name)), "")
    shown = f"{name}={os.environ[name]}" if name else "of the package certifi"
    return ConfigError(
        f"The certificates for https cannot be used ({shown}): {error.strerror or error}.",
        f"Correct {name}, or unset it." if name else "Install the package certifi again.",
    )


def _no_proxy(error: Exception) -> ConfigError:
    """The error for a proxy that httpx cannot use. It names the variables that may be meant, those
    of another kind than HTTP first."""
    named = {kind: url for kind, url in getproxies().items() if kind in ("http", "https", "all")}
    odd = {kind: url for kind, url in named.items() if not url.startswith(("http://", "https://"))}
    shown = " and ".join(
        f"{kind.upper()}_PROXY={without_userinfo(url)}" for kind, url in (odd or named).items()
    )
    if isinstance(error, ImportError):
        return ConfigError(
            f"The proxy of the environment cannot be used ({shown}): SOCKS needs another package.",
            "Unset it, name an http:// proxy, or run: pip install 'httpx[socks]'",
        )
    return ConfigError(
        f"The proxy of the environment is none ({shown}).",
        "Unset it, or name a proxy such as http://host:port.",
    )
