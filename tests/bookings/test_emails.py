"""What no mail says, and what every mail is."""

from datetime import UTC, datetime, timedelta

import pytest

from bookings.emails.letters import LONGEST_SUBJECT, AddressUnusable
from bookings.emails.to_consultant import MOST_ANSWERS
from bookings.wording import LONGEST_TEXT
from tests.bookings.sample_mails import HAPPENED, booked, mail_of, part_of, sample, shown

pytestmark = pytest.mark.django_db

TO_INVITEE = [kind for kind, recipient in HAPPENED if recipient == "invitee"]
HOSTILE = "x\r\nBcc: all@example.com\n\nBody"


def confirmation(booking):
    return mail_of(booking, "confirmation", "invitee")


def notice(booking):
    return mail_of(booking, "consultant_notice", "consultant")


def parts(mail) -> str:
    """All that a reader could come to see, in whatever part."""
    return shown(mail) + part_of(mail, "text/html")


@pytest.mark.parametrize(("kind", "recipient"), HAPPENED)
def test_line_breaks_cannot_add_headers(kind, recipient):
    booking = booked(
        **HAPPENED[kind, recipient]
        | {"title": HOSTILE, "invitee_name": HOSTILE, "location": HOSTILE}
    )
    booking.user.name = HOSTILE
    booking.user.save()
    mail = mail_of(booking, kind, recipient)
    assert (mail["Bcc"], len(mail.get_all("Subject"))) == (None, 1)
    assert "x Bcc: all@example.com Body" in mail["Subject"]


@pytest.mark.parametrize("kind", TO_INVITEE)
def test_what_a_stranger_typed_does_not_reach_the_address_they_gave(kind):
    """Else anybody could send anything to anyone through us."""
    mail = sample(kind, "invitee")
    assert [word for word in ("Ivy", "Tax", "Two lines", "bold") if word in parts(mail)] == []


@pytest.mark.parametrize("kind", ["cancellation", "refusal"])
@pytest.mark.parametrize(
    ("who", "is_told"),
    [("consultant", True), ("calendar", True), ("system", True), ("invitee", False), ("", False)],
)
def test_a_reason_reaches_the_invitee_unless_it_may_be_an_invitees(kind, who, is_told):
    happened = HAPPENED[kind, "invitee"]
    booking = booked(**happened | {"changed_by": who, "cancellation_reason": "Buy <this>!"})
    html = part_of(mail_of(booking, kind, "invitee"), "text/html")
    assert ("Buy &lt;this&gt;!" in html, "Buy <this>!" in html) == (is_told, False)


@pytest.mark.parametrize("recipient", ["invitee", "consultant"])
@pytest.mark.parametrize("kind", ["change", "cancellation"])
def test_a_mail_says_who_did_it(kind, recipient):
    verb = {"change": "moved", "cancellation": "cancelled"}[kind]
    booking = booked(**HAPPENED[kind, recipient])
    said = []
    for who in ("invitee", "consultant", "calendar", "system", ""):
        type(booking).objects.update(changed_by=who)
        said.append(part_of(mail_of(booking, kind, recipient), "text/plain").splitlines()[0])
    ada, ivy = "Ada Lovelace", "Ivy <Invitee> & Co"
    if recipient == "invitee":
        mine = f"Your booking was {verb}"
        assert said == [
            f"You {verb} your booking",
            *[f"{ada} {verb} your booking"] * 2,
            *[mine] * 2,
        ]
    else:
        removed = {"change": "moved", "cancellation": "removed"}[kind]
        assert said == [
            f"{ivy} {verb} the booking",
            f"You {verb} the booking of {ivy}",
            f"You {removed} the booking of {ivy} in your calendar",
            *[f"The booking of {ivy} was {verb}"] * 2,
        ]


def test_only_a_removal_in_the_calendar_offers_to_take_it_back():
    booking = booked(**HAPPENED["cancellation", "consultant"])
    assert "Take it back: " in shown(mail_of(booking, "cancellation", "consultant"))
    type(booking).objects.update(changed_by="consultant")
    assert "Take it back: " not in shown(mail_of(booking, "cancellation", "consultant"))


def test_a_booking_that_was_taken_back_is_no_new_one():
    mail = notice(booked(sequence=2))
    assert mail["Subject"] == "Booked again: First talk: Ivy <Invitee> & Co"
    assert part_of(mail, "text/plain").startswith(
        "The booking of Ivy <Invitee> & Co stands again\n"
    )


def test_a_move_that_changed_only_the_end_shows_no_time_before():
    booking = booked(**HAPPENED["change", "invitee"])
    type(booking).objects.update(moved_from=booking.start_time)
    for recipient in ("invitee", "consultant"):
        assert "Before: " not in shown(mail_of(booking, "change", recipient))


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({}, "A booking is not in your calendar"),
        ({"sequence": 1}, "A booking is not in your calendar as it should be"),
        (
            {"sequence": 1, "status": "cancelled"},
            "A cancelled booking may still be in your calendar",
        ),
    ],
)
def test_calendar_trouble_says_what_the_calendar_does_not_show(changes, heading):
    booking = booked(**HAPPENED["calendar_trouble", "consultant"] | changes)
    text = part_of(mail_of(booking, "calendar_trouble", "consultant"), "text/plain")
    assert text.splitlines()[0] == heading


def test_calendar_trouble_says_that_trying_goes_on_where_it_does():
    booking = booked(event_error="")
    text = part_of(mail_of(booking, "calendar_trouble", "consultant"), "text/plain")
    assert "calsync goes on trying" in text
    assert "Why\nIt has not come to its turn yet.\n" in text


@pytest.mark.parametrize("address", ["", "nobody", "x@example.com\nBcc: all@example.com", "a b@c"])
def test_a_mail_to_what_is_no_address_is_not_made(address):
    with pytest.raises(AddressUnusable, match="is no e-mail address"):
        confirmation(booked(invitee_email=address))


def test_the_consultant_is_told_of_somebody_whose_address_is_none():
    mail = notice(booked(invitee_email="x@example.com\nBcc: all@example.com"))
    assert (mail["To"], mail["Reply-To"], mail["Bcc"]) == ("ada@example.com", None, None)
    assert "E-mail: x@example.com Bcc: all@example.com\n" in shown(mail)


def test_texts_without_end_are_cut():
    booking = booked(
        title="t" * 9999,
        location="l" * 9999,
        invitee_name="n" * 9999,
        invitee_notes="m" * 99999,
        answers={"topic": "a" * 99999},
    )
    mail = notice(booking)
    assert mail["Subject"].strip() == ("New booking: " + "t" * 9999)[: LONGEST_SUBJECT - 1] + "…"
    text = part_of(mail, "text/plain")
    assert "\n" + "m" * (LONGEST_TEXT - 1) + "…\n" in text
    assert len(mail.as_bytes()) < 50_000


def test_answers_without_end_are_not_all_quoted():
    booking = booked(answers={f"question {number}": "x" for number in range(999)})
    assert shown(notice(booking)).count("\nx\n") == MOST_ANSWERS


def test_answers_that_are_no_texts_are_quoted_as_they_are():
    """The website may write them so."""
    booking = booked(answers={"How many?": 3, "Vegan?": True, "Why?": None, "Who?": ["Ivy", "Bo"]})
    text = shown(notice(booking))
    for quote in ("How many?\n3\n", "Vegan?\nTrue\n", "Why?\nNone\n", "Who?\n['Ivy', 'Bo']\n"):
        assert quote in text


def test_what_turns_the_direction_of_a_text_is_left_out():
    """Else a name could make the rest of its line read backwards."""
    mail = notice(booked(invitee_name="Ivy \u202egnp.exe\u2066", invitee_notes="a\u202eb\x07c"))
    assert mail["Subject"] == "New booking: First talk: Ivy gnp.exe"
    assert "\nab c\n" in shown(mail)


@pytest.mark.parametrize(
    "name", ["Ødegård, Åse", 'Ivy "the" Invitee; x', "木村 花子", "عائشة", "🙂"]
)
def test_names_of_the_world_arrive_as_they_were_written(name):
    booking = booked(invitee_name=name)
    booking.user.name = name
    booking.user.save()
    mail = notice(booking)
    assert mail["Subject"] == f"New booking: First talk: {name}"
    assert mail["To"].addresses[0].addr_spec == "ada@example.com"
    assert f"First talk with {name}\n" in shown(confirmation(booking))


def test_mail_programs_find_the_invitation_beside_the_text_and_as_a_file():
    mail = confirmation(booked())
    alternatives, file = mail.iter_parts()
    assert (mail.get_content_type(), alternatives.get_content_type()) == (
        "multipart/mixed",
        "multipart/alternative",
    )
    assert [part.get_content_type() for part in alternatives.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert (file.get_content_disposition(), file.get_filename()) == ("attachment", "invite.ics")
    attached = part_of(mail, "application/ics")
    assert attached.replace("\r\n", "\n") == part_of(mail, "text/calendar")


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("confirmation", "REQUEST"),
        ("request", None),
        ("refusal", None),
        ("change", "REQUEST"),
        ("cancellation", "CANCEL"),
        ("reminder", None),
        ("conference", "REQUEST"),
    ],
)
def test_the_invitees_calendar_is_told_what_to_do(kind, method):
    """By the part's own parameter too: Outlook looks there (RFC 6047, section 2.4)."""
    found = [
        part["Content-Type"].params["method"]
        for part in sample(kind, "invitee").walk()
        if part.get_content_type() == "text/calendar"
    ]
    assert found == ([method] if method else [])


def test_a_zone_that_nobody_knows_falls_back_to_the_consultants():
    """The website inserts rows of its own."""
    assert "11:00–11:30, Europe/Berlin" in shown(confirmation(booked(invitee_time_zone="Mars/1")))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2027-03-14T06:45Z", "01:45 (UTC−05:00) – 03:15 (UTC−04:00), America/New York"),
        ("2027-11-07T05:45Z", "01:45 (UTC−04:00) – 01:15 (UTC−05:00), America/New York"),
    ],
)
def test_a_meeting_over_a_clock_change_shows_what_the_clocks_show(start, expected):
    instant = datetime.fromisoformat(start)
    assert expected in shown(confirmation(booked(start_time=instant)))


def test_a_meeting_over_midnight_names_both_days():
    booking = booked(start_time=datetime(2027, 3, 2, 4, 45, tzinfo=UTC))
    expected = "Monday 1 March 2027, 23:45 – Tuesday 2 March 2027, 00:15, America/New York"
    assert expected in shown(confirmation(booking))


@pytest.mark.parametrize(
    ("minutes", "left"),
    [
        (1440, "1 day"),
        (60, "1 hour"),
        (2969, "2 days 1 hour 29 minutes"),
        (59.98, "1 hour"),
        (1, "1 minute"),
        (0.2, "less than a minute"),
    ],
)
def test_a_reminder_says_how_long_there_is_left_when_it_is_sent(minutes, left):
    booking = booked()
    mail = mail_of(
        booking, "reminder", "invitee", now=booking.start_time - timedelta(minutes=minutes)
    )
    assert mail["Subject"] == f"In {left}: First talk with Ada Lovelace"
