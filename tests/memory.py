"""What this process needs of the machine's memory. See proc(5), so Linux only."""

from pathlib import Path


class Memory:
    """Bytes in use at the most since this was made, beyond what was in use then."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
        self._before = _bytes("VmRSS")

    def peak(self) -> int:
        return _bytes("VmHWM") - self._before


def _bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
