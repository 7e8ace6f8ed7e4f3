"""Google's sign-in: consent, codes, tokens, revocation, who it is.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from itertools import count
from time import time
from urllib.parse import urlencode

from tests.connections.providers.far_end import Response
from tests.fakes.google.accounts import Account, Grant
from tests.fakes.google.tokens import Tokens
from tests.fakes.http import JSON, Call, Refusal

LIFE = 3599  # seconds


@dataclass
class Consent:
    """What the person at the consent screen does. Without ``account``: the hinted or first one."""

    account: Account | None = None
    is_granted: bool = True
    unticked: frozenset[str] = frozenset()


@dataclass
class Code:
    """An authorization code, good for one exchange."""

    grant: Grant
    redirect_uri: str
    challenge: str
    challenge_method: str
    gives_refresh_token: bool
    nonce: str


class OAuth:
    """One app, known by ``client_id`` and ``client_secret``."""

    def __init__(self, tokens: Tokens, accounts: dict[str, Account]) -> None:
        self.client_id, self.client_secret = "calsync.apps.googleusercontent.com", "a secret"
        self.consent = Consent()
        self.issuer = ""  # of id tokens; empty: none is given
        self.rotates_refresh_tokens = False
        self._tokens, self._accounts = tokens, accounts
        self._codes: dict[str, Code] = {}
        self._numbers = count(1)

    # --- in the browser ------------------------------------------------------------------------

    def authorize(self, call: Call) -> Response:
        """The consent screen, answered at once as ``consent`` says."""
        if call.first("client_id") != self.client_id or call.first("response_type") != "code":
            raise Refusal(Response(400, {}, b"Error 400: invalid_request"))
        answer = (
            {"code": self._code(call)} if self.consent.is_granted else {"error": "access_denied"}
        )
        if state := call.first("state"):
            answer["state"] = state
        redirect_uri = call.first("redirect_uri")
        mark = "&" if "?" in redirect_uri else "?"
        return Response(302, {"Location": f"{redirect_uri}{mark}{urlencode(answer)}"})

    def _code(self, call: Call) -> str:
        account = self._who(call.first("login_hint"))
        scopes = frozenset(call.first("scope").split()) - self.consent.unticked
        is_first = not self._tokens.has_refresh_token(account)
        wants_consent = is_first or "consent" in call.first("prompt").split()
        code = f"4/{next(self._numbers)}"
        self._codes[code] = Code(
            grant=Grant(account, scopes),
            redirect_uri=call.first("redirect_uri"),
            challenge=call.first("code_challenge"),
            challenge_method=call.first("code_challenge_method", "plain"),
            gives_refresh_token=call.first("access_type") == "offline" and wants_consent,
            nonce=call.first("nonce"),
        )
        return code

    def _who(self, hint: str) -> Account:
        return (
            self.consent.account or self._accounts.get(hint) or next(iter(self._accounts.values()))
        )

    # --- between servers -----------------------------------------------------------------------

    def token(self, call: Call) -> dict:
        client_id, client_secret = _client(call)
        if client_id != self.client_id:
            raise oauth_error(401, "invalid_client", "The OAuth client was not found.")
        if client_secret != self.client_secret:
            raise oauth_error(401, "invalid_client", "Unauthorized")
        kinds = {"authorization_code": self._exchange, "refresh_token": self._refresh}
        kind = kinds.get(call.form.get("grant_type", ""))
        if kind is None:
            raise oauth_error(400, "unsupported_grant_type", "Invalid grant_type")
        return kind(call.form)

    def revoke(self, call: Call) -> dict:
        """Any of its tokens ends all that the account has allowed."""
        token = call.form.get("token") or call.first("token")
        grant = self._tokens.of_refresh(token) or self._tokens.of_access(token)
        if grant is None:
            raise oauth_error(400, "invalid_token", "Token expired or revoked")
        self._tokens.revoke_all(grant.account)
        return {}

    def user_info(self, call: Call) -> dict:
        grant = self._tokens.of_access(call.header("Authorization").removeprefix("Bearer "))
        if grant is None:
            raise oauth_error(401, "invalid_request", "Invalid Credentials")
        return self._profile(grant.account) | {"id": _subject(grant.account)}

    def _exchange(self, form: dict[str, str]) -> dict:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.redirect_uri != form.get("redirect_uri"):
            raise oauth_error(400, "invalid_grant", "Bad Request")
        if code.challenge and code.challenge != _challenge(form, code.challenge_method):
            raise oauth_error(400, "invalid_grant", "Invalid code verifier.")
        answer = self._answer(code.grant)
        if code.gives_refresh_token:
            answer["refresh_token"] = self._tokens.refresh_token(code.grant)
        if self.issuer and "openid" in code.grant.scopes:
            answer["id_token"] = self._id_token(code.grant.account, code.nonce)
        return answer

    def _refresh(self, form: dict[str, str]) -> dict:
        used = form.get("refresh_token", "")
        grant = self._tokens.of_refresh(used)
        if grant is None:
            raise oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
        answer = self._answer(grant)
        if self.rotates_refresh_tokens:
            answer["refresh_token"] = self._tokens.refresh_token(grant)
            self._tokens.forget_refresh(used)
        return answer

    def _answer(self, grant: Grant) -> dict:
        return {
            "access_token": self._tokens.access_token(grant),
            "expires_in": LIFE,
            "scope": " ".join(sorted(grant.scopes)),
            "token_type": "Bearer",
        }

    def _profile(self, account: Account) -> dict:
        return {"email": account.email, "verified_email": True, "name": account.name}

    def _id_token(self, account: Account, nonce: str) -> str:
        """Of the right shape; the signature is nonsense, which only who fetches keys can notice."""
        now = int(time())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": _subject(account),
            "iat": now,
            "exp": now + LIFE,
            "email": account.email,
            "email_verified": True,
            "name": account.name,
        } | ({"nonce": nonce} if nonce else {})
        parts = [{"alg": "RS256", "kid": "fake", "typ": "JWT"}, claims]
        return ".".join([*(_encoded(json.dumps(part).encode()) for part in parts), _encoded(b"x")])


def oauth_error(status: int, error: str, description: str) -> Refusal:
    body = {"error": error, "error_description": description}
    return Refusal(Response(status, JSON, json.dumps(body).encode()))


def _client(call: Call) -> tuple[str, str]:
    """Who asks: named in the form, or by HTTP Basic."""
    kind, _, credentials = call.header("Authorization").partition(" ")
    if kind == "Basic":
        name, _, secret = base64.b64decode(credentials).decode().partition(":")
        return name, secret
    return call.form.get("client_id", ""), call.form.get("client_secret", "")


def _challenge(form: dict[str, str], method: str) -> str:
    verifier = form.get("code_verifier", "")
    if method == "plain":
        return verifier
    return _encoded(hashlib.sha256(verifier.encode()).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _subject(account: Account) -> str:
    return str(int(hashlib.sha256(account.email.encode()).hexdigest()[:15], 16))
