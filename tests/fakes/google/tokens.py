"""Access and refresh tokens, and whose they are."""

from itertools import count

from tests.fakes.google.accounts import Account, Grant

PREFIX = "https://www.googleapis.com/auth/"
SIGN_IN = frozenset({"openid", "email", "profile"})
CALENDAR = frozenset(
    f"{PREFIX}{name}"
    for name in ("calendar.events", "calendar.calendarlist.readonly", "calendar.freebusy")
)


class Tokens:
    """All tokens that were ever given out."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._expired: set[str] = set()

    @property
    def given_out(self) -> list[str]:
        return [*self._access, *self._refresh]

    def grant(self, account: Account, scopes: frozenset[str] | None = None) -> Grant:
        return Grant(account, SIGN_IN | CALENDAR if scopes is None else scopes)

    def access_token(self, grant: Grant) -> str:
        token = f"ya29.{next(self._numbers)}-{grant.account.email}"
        self._access[token] = grant
        return token

    def refresh_token(self, grant: Grant) -> str:
        token = f"1//{next(self._numbers)}-{grant.account.email}"
        self._refresh[token] = grant
        return token

    def of_access(self, token: str) -> Grant | None:
        """Whose access token this is; None where it is not accepted (any more)."""
        return None if token in self._expired else _live(self._access.get(token))

    def of_refresh(self, token: str) -> Grant | None:
        return _live(self._refresh.get(token))

    def has_refresh_token(self, account: Account) -> bool:
        """Whether the account has allowed the app lasting access already."""
        return any(grant.account is account and _live(grant) for grant in self._refresh.values())

    def expire_access(self) -> None:
        self._expired |= set(self._access)

    def forget_refresh(self, token: str) -> None:
        del self._refresh[token]

    def revoke_all(self, account: Account) -> None:
        """End every grant of an account, sign-in included."""
        for grant in (*self._access.values(), *self._refresh.values()):
            grant.is_revoked = grant.is_revoked or grant.account is account


def _live(grant: Grant | None) -> Grant | None:
    return None if grant is None or grant.is_revoked else grant
