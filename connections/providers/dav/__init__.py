"""CalDAV: discovery, changes and writing, on a guarded and bounded connection."""
