"""The parts of ``make demo``: a calendar server, a consultant, a website with the widget."""
