"""How dates and times look on the desk (FORMAT_MODULE_PATH)."""
