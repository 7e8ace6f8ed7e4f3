"""An authenticator app, and the clock it goes by: the codes of RFC 6238, computed once more."""

import base64
import hmac
from dataclasses import dataclass

HALF_A_MINUTE = 30  # seconds that a code is good for


@dataclass
class Clock:
    """Stands still in the middle of a code's time, until it is moved on."""

    now: float = 1_800_000_015.0  # 2027-01-15T08:00:15Z

    def time(self) -> float:
        return self.now

    def pass_on(self) -> None:
        """To the time of the next code."""
        self.now += HALF_A_MINUTE


def code(key: str, at: float, digits: int = 6) -> str:
    """RFC 6238 §4.2 on RFC 4226 §5.3, with SHA-1 as every app has it. ``key`` is in base 32."""
    counter = int(at // HALF_A_MINUTE).to_bytes(8, "big")
    digest = hmac.digest(base64.b32decode(key), counter, "sha1")
    offset = digest[-1] % 16
    number = int.from_bytes(digest[offset : offset + 4], "big") % 2**31
    return f"{number % 10**digits:0{digits}}"
