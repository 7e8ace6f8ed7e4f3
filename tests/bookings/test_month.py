"""A month as a calendar page shows it."""

from datetime import date

from bookings.month import following_month, last_of_month, preceding_month, weeks_of_month


def test_a_month_is_whole_weeks_from_monday_to_sunday():
    weeks = weeks_of_month(date(2027, 2, 1), {}, None)
    assert [len(week) for week in weeks] == [7] * 4  # February 2027 begins on a Monday
    weeks = weeks_of_month(date(2027, 3, 1), {}, None)
    assert (weeks[0][0].date, weeks[-1][-1].date) == (date(2027, 3, 1), date(2027, 4, 4))
    assert {day.date for week in weeks for day in week if not day.is_in_month} == {
        date(2027, 4, n) for n in (1, 2, 3, 4)
    }


def test_days_know_their_free_times_and_which_one_is_chosen():
    free = {date(2027, 3, 4): ["a", "b"]}
    days = [
        day for week in weeks_of_month(date(2027, 3, 1), free, date(2027, 3, 5)) for day in week
    ]
    assert {day.date: day.free for day in days if day.free} == {date(2027, 3, 4): 2}
    assert [day.date for day in days if day.is_chosen] == [date(2027, 3, 5)]


def test_months_follow_each_other_over_the_turn_of_the_year():
    assert following_month(date(2027, 12, 31)) == date(2028, 1, 1)
    assert preceding_month(date(2027, 1, 31)) == date(2026, 12, 1)
    assert last_of_month(date(2028, 2, 3)) == date(2028, 2, 29)
