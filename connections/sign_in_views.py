"""How a consultant signs in: the overview on the desk, and linked accounts at providers."""

from allauth.mfa.base.views import IndexView


class Overview(IndexView):
    """Password, second step, and linked accounts."""


overview = Overview.as_view()
