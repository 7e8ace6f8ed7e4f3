"""Fake providers: programs of their own on loopback that speak the documented protocols.

They know nothing of calsync and need no Django.
"""
