"""What consultants allow at providers in the browser: reading calendars, or saying who they are.

allauth speaks OAuth. A consent to calendars gives tokens, which calsync takes off it; a sign-in
gives who somebody is, whose link with a consultant is all that allauth keeps. Nobody signs up this
way, and no token is stored by it.
"""
