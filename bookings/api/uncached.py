"""The header that keeps the answers of the API from being kept."""

from rest_framework.views import APIView


class UncachedView(APIView):
    """Nobody keeps an answer on its way: some are one invitee's own, and all are of this moment."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        return super().default_response_headers | {"Cache-Control": "no-store"}
