"""How numbers are written for a person: as many digits as are known, and the same many down a column."""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "-"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits: ``0.00012``, ``3.1e-05``, ``12,400``."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 10 ** (digits + 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def fixed(value: float | None, decimals: int) -> str:
    """Write a number with this many decimals."""
    return MISSING if value is None else f"{value:,.{decimals}f}"


def measured(value: float | None) -> str:
    """Write a further metric: three decimals below ten, about four digits above."""
    if value is None or abs(value) >= 1000:
        return number(value, 4)
    return fixed(value, 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1)


def signed(value: float | None, decimals: int) -> str:
    """Write a difference with its sign; zero has none."""
    if value is None:
        return MISSING
    text = f"{value:+,.{decimals}f}"
    return text[1:] if not any(digit in "123456789" for digit in text) else text


def between(low: float | None, high: float | None, decimals: int, sign: bool = False) -> str:
    """Write an interval: ``[0.310, 0.334]``; empty where an end is missing."""
    if low is None or high is None:
        return ""
    write = signed if sign else fixed
    return f"[{write(low, decimals)}, {write(high, decimals)}]"


def decimals_for(values: Iterable[float | None], widths: Iterable[float | None]) -> int:
    """How many decimals a column needs: two digits of its narrowest interval, three and more of its largest value."""
    known = [abs(value) for value in values if value]
    spans = [width for width in widths if width]
    largest = math.floor(math.log10(max(known))) if known else 0
    wanted = max(1 - math.floor(math.log10(min(spans))), 2 - largest) if spans else 3 - largest
    return max(0, min(wanted, 5 - min(largest, 3), 5))


def percent(share: float | None, decimals: int = 1) -> str:
    """Write a share of one as a percentage."""
    return MISSING if share is None else f"{100 * share:.{decimals}f} %"


def count(number_of: float | None, noun: str, plural: str = "") -> str:
    """Write ``1 row`` or ``1,234 rows``; empty where the number is missing."""
    if number_of is None:
        return ""
    return f"{number_of:,.0f} {noun if number_of == 1 else plural or noun + 's'}"


def clock(seconds: float) -> str:
    """Write seconds as ``0:19`` or ``1:02:03``."""
    whole = max(0, int(seconds + 0.5))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def duration(seconds: float | None) -> str:
    """Write a time that was taken: ``0.42 s``, ``58.6 s``, ``12 min 5 s``."""
    if seconds is None:
        return MISSING
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def size(count_of_bytes: int) -> str:
    """Write a file size: ``212 KB``."""
    return f"{count_of_bytes} B" if count_of_bytes < 1000 else f"{count_of_bytes / 1000:,.0f} KB"
