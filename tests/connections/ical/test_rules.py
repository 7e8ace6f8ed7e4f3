"""Recurrence rules: the standard's examples, python-dateutil as an oracle, and the limits."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from time import process_time

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connections.providers.ical.expansion import Budget, expand
from connections.providers.ical.rules import WEEKDAYS, read_rule
from connections.providers.ical.values import Unreadable

START_OF_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def on(text: str) -> datetime:
    """What a wall clock shows; UTC stands for it, where no hour is ever missing."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(at: datetime) -> int:
    return int((at - START_OF_1970).total_seconds())


def starts(
    text: str, start: datetime, first: datetime | None = None, last: datetime | None = None
) -> list[datetime]:
    """The wall times of a rule from ``first`` to ``last``; by default those of ten years."""
    rule, notes = read_rule(text, wall(start))
    assert notes == []
    last = last or start + timedelta(days=3660)
    expansion = expand(rule, wall(start), wall(first or start), wall(last), Budget(10**9))
    assert expansion.unlisted is None
    return [START_OF_1970 + timedelta(seconds=found) for found in expansion.starts]


@pytest.mark.parametrize(
    ("start", "text", "days"),
    [
        ("1997-09-02", "FREQ=DAILY;COUNT=3", "19970902 19970903 19970904"),
        ("1997-09-02", "FREQ=DAILY;INTERVAL=10;COUNT=3", "19970902 19970912 19970922"),
        (
            "1997-09-02",
            "FREQ=WEEKLY;COUNT=5;WKST=SU;BYDAY=TU,TH",
            "19970902 19970904 19970909 19970911 19970916",
        ),
        ("1997-09-05", "FREQ=MONTHLY;COUNT=3;BYDAY=1FR", "19970905 19971003 19971107"),
        (
            "1997-09-07",
            "FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU",
            "19970907 19970928 19971102 19971130",
        ),
        ("1997-09-22", "FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", "19970922 19971020 19971117"),
        ("1997-09-28", "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=3", "19970928 19971029 19971128"),
        (
            "1997-09-30",
            "FREQ=MONTHLY;COUNT=4;BYMONTHDAY=1,-1",
            "19970930 19971001 19971031 19971101",
        ),
        (
            "1997-01-01",
            "FREQ=YEARLY;INTERVAL=3;COUNT=4;BYYEARDAY=1,100,200",
            "19970101 19970410 19970719 20000101",
        ),
        ("1997-05-19", "FREQ=YEARLY;BYDAY=20MO;COUNT=3", "19970519 19980518 19990517"),
        ("1997-05-12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "19970512 19980511 19990517"),
        ("1998-02-13", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", "19980213 19980313 19981113"),
        (
            "1997-09-13",
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=3",
            "19970913 19971011 19971108",
        ),
        (
            "1996-11-05",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
            "19961105 20001107 20041102",
        ),
        (
            "1997-09-04",
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            "19970904 19971007 19971106",
        ),
        (
            "1997-09-29",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3",
            "19970929 19971030 19971127",
        ),
        (
            "1997-08-05",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "19970805 19970810 19970819 19970824",
        ),
        (
            "1997-08-05",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "19970805 19970817 19970819 19970831",
        ),
        (
            "2007-01-15",
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
            "20070115 20070130 20070215 20070315 20070330",
        ),
        ("2024-02-29", "FREQ=YEARLY;COUNT=2", "20240229 20280229"),
    ],
)
def test_the_examples_of_the_standard(start: str, text: str, days: str):
    found = starts(text, on(f"{start} 09:00"))
    assert [f"{at:%Y%m%d %H}" for at in found] == [f"{day} 09" for day in days.split()]


def test_hours_and_minutes_multiply():
    found = starts("FREQ=DAILY;COUNT=4;BYHOUR=9,10;BYMINUTE=0,30", on("1997-09-02 09:00"))
    assert [f"{at:%H%M}" for at in found] == ["0900", "0930", "1000", "1030"]


def test_seconds_count_too():
    found = starts("FREQ=DAILY;COUNT=3;BYSECOND=5,30", on("1997-09-02 09:00:05"))
    assert [f"{at:%d %H:%M:%S}" for at in found] == ["02 09:00:05", "02 09:00:30", "03 09:00:05"]


def test_hourly_rules_keep_to_their_hours():
    found = starts("FREQ=HOURLY;INTERVAL=3;BYHOUR=9,12,15;COUNT=4", on("1997-09-02 09:00"))
    assert [f"{at:%d %H}" for at in found] == ["02 09", "02 12", "02 15", "03 09"]


def test_ordinals_and_plain_weekdays_of_one_list_add_up():
    found = starts("FREQ=MONTHLY;BYDAY=1MO,FR;COUNT=5", on("2026-06-01 09:00"))
    assert [at.day for at in found] == [1, 5, 12, 19, 26]


def test_a_date_of_every_month_is_found_by_a_yearly_rule_too():
    found = starts("FREQ=YEARLY;BYMONTHDAY=13;COUNT=13", on("2026-01-13 09:00"))
    assert [at.month for at in found] == [*range(1, 13), 1]


def test_a_week_number_alone_means_the_weekday_of_the_start():
    """python-dateutil takes all seven days; the standard takes what is missing from DTSTART."""
    found = starts("FREQ=YEARLY;BYWEEKNO=20;COUNT=2", on("2026-05-13 09:00"))
    assert [f"{at:%Y%m%d}" for at in found] == ["20260513", "20270519"]


def test_a_rule_of_1601_costs_no_more_than_one_of_today():
    """P13: old series must not vanish, and must not be walked through day by day."""
    budget, start = Budget(), on("1601-01-01 09:00")
    rule, _ = read_rule("FREQ=DAILY", wall(start))
    first, last = wall(on("2026-06-01")), wall(on("2026-06-03"))
    assert len(expand(rule, wall(start), first, last, budget).starts) == 2
    assert Budget().candidates - budget.candidates == 3


# --- against python-dateutil -----------------------------------------------------------------


def lists(numbers: st.SearchStrategy) -> st.SearchStrategy[str]:
    return st.lists(numbers, min_size=1, max_size=4, unique=True).map(
        lambda chosen: ",".join(map(str, chosen))
    )


def signed(highest: int) -> st.SearchStrategy[int]:
    return st.integers(-highest, highest).filter(bool)


@st.composite
def rules(draw) -> str:
    """Rules on which python-dateutil and the standard agree (see the exceptions above)."""
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]))
    weekdays = st.sampled_from(sorted(WEEKDAYS))
    ordinals = st.builds(lambda n, day: f"{n}{day}", st.sampled_from([1, 2, 5, -1, -2]), weekdays)
    optional = {
        "INTERVAL": st.sampled_from([1, 2, 3, 5, 13]),
        "COUNT": st.integers(1, 60),
        "WKST": weekdays,
        "BYMONTH": lists(st.integers(1, 12)),
        "BYHOUR": lists(st.integers(0, 23)),
        "BYMINUTE": lists(st.integers(0, 59)),
        "BYDAY": lists(weekdays),
    }
    if frequency != "WEEKLY":
        optional |= {"BYMONTHDAY": lists(signed(31)), "BYSETPOS": lists(signed(4))}
    if frequency in ("YEARLY", "MONTHLY"):
        optional["BYDAY"] = st.one_of(lists(weekdays), lists(ordinals))
    if frequency in ("YEARLY", "HOURLY"):
        optional["BYYEARDAY"] = lists(signed(366))
    parts = {name: value for name, value in optional.items() if draw(st.integers(0, 3)) == 0}
    chosen = {"FREQ": frequency, **{name: draw(value) for name, value in parts.items()}}
    if frequency == "YEARLY" and draw(st.integers(0, 5)) == 0:
        chosen |= {"BYWEEKNO": draw(lists(signed(53))), "BYDAY": draw(lists(weekdays))}
    if "BYSETPOS" in chosen and not any(name in chosen for name in ("BYDAY", "BYHOUR")):
        del chosen["BYSETPOS"]
    return ";".join(f"{name}={value}" for name, value in chosen.items())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rules(), st.integers(0, 600), st.integers(0, 47), st.integers(0, 300))
def test_rules_agree_with_dateutil(text: str, day: int, half_hours: int, later: int):
    start = on("2024-01-01") + timedelta(days=day, minutes=30 * half_hours)
    first = start + timedelta(days=later)
    last = first + timedelta(days=100)
    # dateutil looks for the next start until the year 9999: let there be one, or no need for it
    known = starts(text, start, last=last + timedelta(days=3660))
    assume(any(at > last for at in known) or f"COUNT={len(known)};" in f"{text};")
    try:
        oracle = rrulestr(text, dtstart=start)
    except ValueError:  # every third hour, but only at hours that are never reached
        assume(False)
    expected = list(takewhile(lambda at: at <= last, oracle))
    assert starts(text, start, first, last) == [at for at in expected if at >= first]


@pytest.mark.parametrize(
    ("frequency", "step"),
    [("HOURLY", timedelta(hours=2)), ("DAILY", timedelta(days=2)), ("WEEKLY", timedelta(weeks=2))],
)
def test_a_count_is_kept_where_the_first_are_not_asked_for(frequency: str, step: timedelta):
    start = on("2026-06-01 09:00")
    found = starts(f"FREQ={frequency};INTERVAL=2;COUNT=9", start, first=start + 6 * step)
    assert found == [start + n * step for n in (6, 7, 8)]


@pytest.mark.parametrize("week_start", sorted(WEEKDAYS))
@pytest.mark.parametrize("numbers", ["1", "-1", "20,52,53"])
def test_week_numbers_follow_the_first_day_of_the_week(week_start: str, numbers: str):
    text = f"FREQ=YEARLY;BYWEEKNO={numbers};BYDAY=WE;WKST={week_start}"
    start, last = on("2020-01-01 09:00"), on("2036-12-31")
    expected = list(takewhile(lambda at: at <= last, rrulestr(text, dtstart=start)))
    assert starts(text, start, last=last) == expected


# --- what cannot be read ---------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "FREQ", "FREQ=", "FREQ=OFTEN", "INTERVAL=2", "FREQ:DAILY"])
def test_a_rule_without_a_frequency_is_refused(text: str):
    with pytest.raises(Unreadable, match="has no frequency"):
        read_rule(text, 0)


@pytest.mark.parametrize(
    ("text", "reads_as"),
    [
        ("FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYDAY=MO,XX,WE", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("FREQ=DAILY;COUNT=-1", "FREQ=DAILY"),
        ("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY"),
        ("FREQ=DAILY;UNTIL=never", "FREQ=DAILY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32,15", "FREQ=MONTHLY;BYMONTHDAY=15"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "FREQ=WEEKLY"),
        ("FREQ=YEARLY;BYEASTER=1", "FREQ=YEARLY"),
        ("FREQ=YEARLY;RSCALE=HEBREW", "FREQ=YEARLY"),
        ("FREQ=DAILY;WKST=TODAY", "FREQ=DAILY"),
        ("FREQ=DAILY;BYHOUR=24", "FREQ=DAILY"),
        ("FREQ=DAILY;BYSETPOS=٣", "FREQ=DAILY"),
        ("FREQ=DAILY;BYMONTH=6,13", "FREQ=DAILY;BYMONTH=6"),
        ("FREQ=YEARLY;BYWEEKNO=3,54", "FREQ=YEARLY;BYWEEKNO=3"),
        ("FREQ=YEARLY;BYYEARDAY=9,-367", "FREQ=YEARLY;BYYEARDAY=9"),
        ("FREQ=MONTHLY;BYMONTHDAY=9,-32", "FREQ=MONTHLY;BYMONTHDAY=9"),
        ("FREQ=DAILY;BYMINUTE=9,60", "FREQ=DAILY;BYMINUTE=9"),
        ("FREQ=DAILY;BYSECOND=9,60", "FREQ=DAILY;BYSECOND=9"),
        ("FREQ=DAILY;BYSETPOS=1,367", "FREQ=DAILY;BYSETPOS=1"),
    ],
)
def test_a_part_that_cannot_be_read_is_noted_and_the_rest_counts(text: str, reads_as: str):
    rule, notes = read_rule(text, 0)
    plain, _ = read_rule(reads_as, 0)
    written = plain.is_plain or not rule.is_plain
    assert written
    assert len(notes) == 1
    assert _starts_of(rule) == _starts_of(plain)


def _starts_of(rule) -> list[int]:
    return expand(rule, 0, 0, 400 * 86_400, Budget()).starts


@pytest.mark.parametrize(
    ("text", "reads_as"),
    [
        ("freq=weekly;byday=mo", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=WEEKLY;BYDAY=MO;", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=MONTHLY;BYDAY=+1MO", "FREQ=MONTHLY;BYDAY=1MO"),
        ("RSCALE=GREGORIAN;FREQ=DAILY", "FREQ=DAILY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=MO"),
    ],
)
def test_spellings_of_one_rule(text: str, reads_as: str):
    assert read_rule(text, 0) == read_rule(reads_as, 0)


SIXTY = ",".join(map(str, range(60)))


# --- bounds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=7",
        f"FREQ=HOURLY;BYMINUTE=0,1;BYSECOND={SIXTY}",
        f"FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE={SIXTY}",
    ],
)
def test_a_rule_more_frequent_than_can_be_listed_is_a_span(text: str):
    rule, notes = read_rule(text, 0)
    assert (notes, expand(rule, 0, 100, 2_000, Budget())) == ([], ([], (100, 2_000)))


def test_a_rule_for_every_minute_of_some_hours_can_be_listed():
    found = starts(
        f"FREQ=DAILY;COUNT=240;BYHOUR=9,10,11,12;BYMINUTE={SIXTY}", on("2026-06-01 09:00")
    )
    assert found == [on("2026-06-01 09:00") + n * timedelta(minutes=1) for n in range(240)]


def test_the_span_of_such_a_rule_ends_with_its_count():
    rule, _ = read_rule("FREQ=MINUTELY;INTERVAL=5;COUNT=4", 0)
    assert expand(rule, 0, 0, 86_400, Budget()) == ([], (0, 900))


def test_a_walk_ends_with_the_budget_and_says_from_where_on_nothing_is_known():
    rule, _ = read_rule("FREQ=DAILY;BYHOUR=9;COUNT=100000", 9 * 3_600)
    expansion = expand(rule, 9 * 3_600, 0, 86_400 * 40_000, Budget(candidates=1_000))
    assert len(expansion.starts) == 512
    assert expansion.unlisted == (expansion.starts[-1], 86_400 * 40_000)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        "FREQ=HOURLY;BYMONTHDAY=31;BYMONTH=4;COUNT=1",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;COUNT=1",
    ],
)
def test_a_rule_that_never_matches_ends_in_time(text: str):
    """python-dateutil looks for such a day until the year 9999."""
    start = wall(on("1601-01-01"))
    rule, _ = read_rule(text, start)
    began = process_time()
    expansion = expand(rule, start, wall(on("2026-01-01")), wall(on("2027-01-01")), Budget())
    assert (expansion.starts, process_time() - began < 2) == ([], True)
