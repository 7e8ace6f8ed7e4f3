"""This installation's registration at Microsoft, where Microsoft is, what it is asked to allow."""

from dataclasses import dataclass

SCOPES = ("User.Read", "Calendars.ReadWrite")
LASTING = "offline_access"  # asked for besides, or there is no refresh token


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftApp:
    """A registered app, and the addresses of Microsoft's services.

    ``tenant`` is ``common``, ``organizations``, ``consumers`` or a directory's own id.
    """

    client_id: str
    client_secret: str
    tenant: str = "common"
    login_url: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com"

    def __repr__(self) -> str:
        return f"MicrosoftApp(client_id={self.client_id!r}, tenant={self.tenant!r})"
