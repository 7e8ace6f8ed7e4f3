"""The HTTP API for websites that build their own booking form."""
