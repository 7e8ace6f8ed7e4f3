"""Connecting accounts by consent: the consultant allows it at the provider, in the browser.

allauth speaks OAuth; calsync takes the tokens off it and nothing else. Nobody signs in or signs up
this way, and allauth stores nothing of it: no account, no address, no token.
"""
