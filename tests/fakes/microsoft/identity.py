"""Microsoft's sign-in: consent, codes, tokens, and how they end.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow

Each refresh gives out a new refresh token; the old ones stay good.
"""

import base64
import hashlib
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlencode

from tests.connections.providers.far_end import Response
from tests.fakes.http import Call, Refusal
from tests.fakes.microsoft.accounts import Account, Grant
from tests.fakes.microsoft.refusals import denied, not_authenticated, sign_in_refusal

LIFE = 3599  # seconds
LASTING = "offline_access"
UNKNOWN_TOKEN, BAD_CODE, BAD_SECRET, NO_APP, NO_TENANT = 9002313, 70000, 7000215, 700016, 90002
NOT_CONSENTED = 65001
TENANTS = {"common", "organizations", "consumers"}


@dataclass
class Consent:
    """What the person at the consent screen does. Without ``account``: the hinted or first one."""

    account: Account | None = None
    is_granted: bool = True


@dataclass(frozen=True)
class Code:
    """An authorization code, good for one exchange."""

    grant: Grant
    redirect_uri: str
    challenge: str


class Identity:
    """One app, known by ``client_id`` and ``client_secret``."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self.client_id, self.client_secret = "7d2c5a0e-calsync", "a secret"
        self.consent = Consent()
        self.rotates_refresh_tokens = True
        self.all_scopes = frozenset({"User.Read", "Calendars.ReadWrite", LASTING})
        self._accounts = accounts
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._numbers = count(1)

    # --- tokens --------------------------------------------------------------------------------

    @property
    def given_out(self) -> list[str]:
        return [*self._access, *self._refresh]

    def access_token(self, grant: Grant) -> str:
        token = f"EwB{next(self._numbers)}-{grant.account.email}"
        self._access[token] = grant
        return token

    def refresh_token(self, grant: Grant) -> str:
        token = f"M.C5{next(self._numbers)}-{grant.account.email}"
        self._refresh[token] = grant
        return token

    def of_access(self, token: str) -> Grant | None:
        """Whose access token this is; None where it is not accepted (any more)."""
        grant = self._access.get(token)
        return None if grant is None or grant.ended_by else grant

    def expire_access(self) -> None:
        self._access.clear()

    def end_all(self, account: Account, number: int) -> None:
        for grant in (*self._access.values(), *self._refresh.values()):
            if grant.account is account:
                grant.ended_by = number

    # --- in the browser ------------------------------------------------------------------------

    def authorize(self, call: Call, tenant: str) -> Response:
        """The consent screen, answered at once as ``consent`` says."""
        if call.first("client_id") != self.client_id or call.first("response_type") != "code":
            raise Refusal(Response(400, {}, b"AADSTS700016"))
        is_granted = self.consent.is_granted
        answer = {"code": self._code(call)} if is_granted else {"error": "access_denied"}
        if state := call.first("state"):
            answer["state"] = state
        redirect_uri = call.first("redirect_uri")
        mark = "&" if "?" in redirect_uri else "?"
        return Response(302, {"Location": f"{redirect_uri}{mark}{urlencode(answer)}"})

    def _code(self, call: Call) -> str:
        hinted = self._accounts.get(call.first("login_hint"))
        account = self.consent.account or hinted or next(iter(self._accounts.values()))
        scopes = frozenset(call.first("scope").split())
        code = f"M.R3_{next(self._numbers)}"
        challenge = call.first("code_challenge")
        self._codes[code] = Code(Grant(account, scopes), call.first("redirect_uri"), challenge)
        return code

    # --- between servers -----------------------------------------------------------------------

    def user_info(self, call: Call) -> dict:
        """OpenID Connect's word on who it is; the subject is another one for every app.

        https://learn.microsoft.com/en-us/entra/identity-platform/userinfo
        """
        grant = self.of_access(call.header("Authorization").removeprefix("Bearer "))
        if grant is None:
            raise not_authenticated()
        if "openid" not in grant.scopes:
            raise denied()
        claims = {"sub": _subject(self.client_id, grant.account)}
        if "email" in grant.scopes:
            claims["email"] = grant.account.email
        if "profile" in grant.scopes:
            claims["name"] = grant.account.name
        return claims

    def token(self, call: Call, tenant: str) -> dict:
        form = call.form
        if tenant not in TENANTS:
            raise sign_in_refusal(400, "invalid_request", NO_TENANT)
        if form.get("client_id") != self.client_id:
            raise sign_in_refusal(400, "unauthorized_client", NO_APP)
        if form.get("client_secret") != self.client_secret:
            raise sign_in_refusal(401, "invalid_client", BAD_SECRET)
        kinds = {"authorization_code": self._exchange, "refresh_token": self._renew}
        kind = kinds.get(form.get("grant_type", ""))
        if kind is None:
            raise sign_in_refusal(400, "unsupported_grant_type", BAD_CODE)
        return kind(form)

    def _exchange(self, form: dict[str, str]) -> dict:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.redirect_uri != form.get("redirect_uri"):
            raise sign_in_refusal(400, "invalid_grant", BAD_CODE)
        if code.challenge and code.challenge != _challenge(form.get("code_verifier", "")):
            raise sign_in_refusal(400, "invalid_grant", BAD_CODE)
        answer = self._answer(code.grant)
        if LASTING in code.grant.scopes:
            answer["refresh_token"] = self.refresh_token(code.grant)
        return answer

    def _renew(self, form: dict[str, str]) -> dict:
        grant = self._refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.ended_by:
            number = grant.ended_by if grant else UNKNOWN_TOKEN
            raise sign_in_refusal(400, "invalid_grant", number)
        if not set(form.get("scope", "").split()) <= grant.scopes:
            raise sign_in_refusal(400, "invalid_grant", NOT_CONSENTED)
        answer = self._answer(grant)
        if self.rotates_refresh_tokens:
            answer["refresh_token"] = self.refresh_token(grant)
        return answer

    def _answer(self, grant: Grant) -> dict:
        return {
            "token_type": "Bearer",
            "scope": " ".join(sorted(grant.scopes - {LASTING})),
            "expires_in": LIFE,
            "ext_expires_in": LIFE,
            "access_token": self.access_token(grant),
        }


def _subject(client_id: str, account: Account) -> str:
    return _encoded(f"{client_id} {account.email}".encode())


def _challenge(verifier: str) -> str:
    return _encoded(verifier.encode())


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
