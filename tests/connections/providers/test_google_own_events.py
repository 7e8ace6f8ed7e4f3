"""Our own events at Google: exactly one of each, whatever gets lost, and nobody else's touched."""

import json
import re
from dataclasses import replace
from datetime import date
from random import Random
from uuid import UUID

import pytest

from connections.providers import conferences
from connections.providers.base import (
    CalendarGone,
    EventConflict,
    EventDraft,
    EventGone,
    ProviderUnavailable,
    RateLimited,
    WriteRefused,
)
from connections.providers.google.drafts import event_ids
from tests.connections.providers.contract import BERLIN, DAY, DRAFT, HOUR, TEN, events, titles
from tests.connections.providers.far_end import cut_off, instead, lost
from tests.connections.providers.google_far import GoogleCalendar, calendar_at
from tests.fakes.google import FakeGoogle, refusing
from tests.fakes.http import Call

LATER = replace(DRAFT, start=TEN + DAY, end=TEN + DAY + HOUR, sequence=1)
OWN_ID = next(event_ids(DRAFT.booking_id))
CHANGED = refusing(412, "conditionNotMet")


@pytest.fixture
def far(google: FakeGoogle) -> GoogleCalendar:
    return calendar_at(google)


@pytest.fixture
def patience(monkeypatch) -> list[float]:
    """The pauses that were made, without making them."""
    pauses: list[float] = []
    monkeypatch.setattr(conferences, "sleep", pauses.append)
    return pauses


def create(far: GoogleCalendar, draft: EventDraft = DRAFT) -> str:
    return far.adapter().create_event(far.calendar_id, draft).provider_event_id


def update(far: GoogleCalendar, event_id: str, draft: EventDraft = LATER) -> str:
    return far.adapter().update_event(far.calendar_id, event_id, draft).provider_event_id


def delete(far: GoogleCalendar, event_id: str) -> None:
    far.adapter().delete_event(far.calendar_id, event_id)


def asked(far: GoogleCalendar, method: str) -> list[Call]:
    return [Call(request) for request in far.google.asked(method)]


# --- the event -------------------------------------------------------------------------------


def test_ids_are_made_of_the_letters_that_google_takes():
    random = Random(1)
    for _ in range(2000):
        booking_id = UUID(int=random.getrandbits(128))
        ids = list(event_ids(booking_id))
        assert all(re.fullmatch(r"[a-v0-9]{5,1024}", one) for one in ids)
        assert len(set(ids)) == len(ids) == 5


def test_event_says_what_the_draft_says_and_mails_nobody(far):
    stored = far.calendar.get(create(far))
    said = [stored[name] for name in ("summary", "description", "location", "status")]
    assert said == [DRAFT.title, DRAFT.description, DRAFT.location, "confirmed"]
    assert stored["extendedProperties"] == {"private": {"calsyncBooking": str(DRAFT.booking_id)}}
    [question] = asked(far, "POST")
    assert question.first("sendUpdates") == "none"


def test_description_that_google_would_refuse_is_cut(far):
    endless = replace(DRAFT, description="x" * 10_000)
    assert len(far.calendar.get(create(far, endless))["description"]) == 8192
    create(far, endless)
    assert asked(far, "PATCH") == []  # it is not seen as changed


# --- exactly one -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [lost, cut_off, instead(503), instead(200, "{}")])
def test_event_whose_answer_gets_lost_is_there_once(far, fault):
    """Whatever happened to the first try, the second one leaves exactly one event."""
    far.google.commit(fault, method="POST")
    try:
        create(far)
    except ProviderUnavailable:
        create(far)
    assert titles(far.full_round()) == [DRAFT.title]


def test_insert_that_is_stored_and_answered_too_late_is_there_once(far):
    far.timeout = 0.2
    create_late = far.google.slow(0.5)

    def stored_then_late(request, forward):
        answer = forward(request)
        return create_late(request, lambda _: answer)

    far.google.commit(stored_then_late, method="POST")
    with pytest.raises(ProviderUnavailable):
        create(far)
    assert create(far) == OWN_ID
    assert titles(far.full_round()) == [DRAFT.title]


def test_storm_of_tries_leaves_one_event(far):
    random = Random(7)
    faults = [lost, cut_off, instead(500), instead(503, Retry_After="1"), CHANGED]
    for number in range(50):
        far.google.commit(random.choice(faults), method=random.choice(["POST", "GET", "PATCH"]))
        try:
            create(far, replace(DRAFT, title=f"Try {number}"))
        except (ProviderUnavailable, EventConflict, WriteRefused):
            continue
    far.google.heal()
    create(far, LATER)
    assert [event.start for event in events(far.full_round())] == [LATER.start]


def test_deleted_event_is_brought_back_under_its_id(far):
    far.remove(create(far))
    assert create(far, LATER) == OWN_ID
    assert [event.start for event in events(far.full_round())] == [LATER.start]


def test_deleted_event_that_google_will_not_give_back_gets_the_next_id(far):
    """https://github.com/googleapis/google-api-ruby-client/issues/1811"""
    far.google.events.brings_back_deleted = False
    far.remove(create(far))
    second = create(far)
    assert second == f"{OWN_ID}v2"
    assert create(far) == second
    [event] = events(far.full_round())
    assert event.booking_id == DRAFT.booking_id


def test_strangers_event_that_holds_our_id_is_left_alone(far):
    far.add("Theirs", TEN, TEN + HOUR, id=OWN_ID)
    assert create(far) == f"{OWN_ID}v2"
    assert far.calendar.get(OWN_ID)["summary"] == "Theirs"


def test_booking_whose_ids_are_all_taken_is_not_written(far):
    for event_id in event_ids(DRAFT.booking_id):
        far.add("Theirs", TEN, TEN + HOUR, id=event_id)
    with pytest.raises(WriteRefused):
        create(far)


def test_id_that_exists_but_shows_nothing_is_tried_again_later(far):
    """Another id at once could make a second event beside one that is only late to show."""
    far.google.commit(refusing(409, "duplicate"), method="POST")
    with pytest.raises(ProviderUnavailable):
        create(far)
    assert create(far) == OWN_ID


# --- changing it -----------------------------------------------------------------------------


def test_event_that_says_the_same_already_is_not_written(far):
    update(far, create(far), DRAFT)
    assert asked(far, "PATCH") == []


def test_only_what_differs_is_changed(far):
    event_id = create(far)
    far.calendar.change(event_id, colorId="7", transparency="transparent")
    update(far, event_id)
    [question] = asked(far, "PATCH")
    assert set(question.json) == {"start", "end"}
    stored = far.calendar.get(event_id)
    assert (stored["colorId"], stored["transparency"]) == ("7", "transparent")


def test_event_that_was_made_an_all_day_one_is_brought_back_to_its_time(far):
    event_id = create(far)
    far.calendar.change(event_id, None, date(2026, 6, 15), date(2026, 6, 16))
    update(far, event_id)
    [event] = events(far.full_round())
    assert (event.start, event.end, event.is_all_day) == (LATER.start, LATER.end, False)


def test_event_that_changes_under_our_hands_is_read_again(far):
    event_id = create(far)

    def changed_meanwhile(request, forward):
        far.calendar.change(event_id, colorId="7")
        return forward(request)

    far.google.commit(changed_meanwhile, method="PATCH")
    update(far, event_id)
    assert len(asked(far, "PATCH")) == 2
    assert far.calendar.get(event_id)["colorId"] == "7"
    assert [event.start for event in events(far.full_round())] == [LATER.start]


def test_event_that_goes_while_it_is_changed_is_gone(far):
    event_id = create(far)

    def removed_meanwhile(request, forward):
        far.remove(event_id)
        return instead(410)(request, forward)

    far.google.commit(removed_meanwhile, method="PATCH")
    with pytest.raises(EventGone):
        update(far, event_id)


@pytest.mark.parametrize("write", [create, update, delete])
def test_event_that_keeps_changing_is_given_up(far, write):
    event_id = create(far)
    far.google.commit(CHANGED, method="PATCH", times=9)
    far.google.commit(CHANGED, method="DELETE", times=9)
    with pytest.raises(EventConflict):
        write(far, LATER if write is create else event_id)


def test_event_of_somebody_else_is_neither_changed_nor_removed(far):
    theirs = far.add("Theirs", TEN, TEN + HOUR)
    with pytest.raises(WriteRefused):
        update(far, theirs)
    with pytest.raises(WriteRefused):
        delete(far, theirs)
    assert titles(far.full_round()) == ["Theirs"]


def test_event_of_another_booking_is_not_changed(far):
    event_id = create(far)
    other = replace(DRAFT, booking_id=UUID(int=1))
    with pytest.raises(WriteRefused):
        update(far, event_id, other)


# --- removing it -----------------------------------------------------------------------------


def test_event_that_the_consultant_deleted_first_counts_as_removed(far):
    event_id = create(far)
    far.remove(event_id)
    delete(far, event_id)
    assert asked(far, "DELETE") == []
    far.calendar.purge(event_id)
    delete(far, event_id)
    assert len(asked(far, "DELETE")) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_single_not_found_leaves_no_event_behind(far, method):
    event_id = create(far)
    far.google.commit(refusing(404, "notFound"), method=method, about=event_id)
    delete(far, event_id)
    assert titles(far.full_round()) == []


def test_single_not_found_leaves_no_event_behind_that_has_a_later_id(far):
    far.google.events.brings_back_deleted = False
    far.remove(create(far))
    second = create(far)
    far.google.commit(refusing(404, "notFound"), method="GET", about=second)
    delete(far, second)
    assert titles(far.full_round()) == []


def test_event_in_a_calendar_that_is_gone_does_not_count_as_removed(far):
    event_id = create(far)
    far.google.remove_calendar(far.calendar)
    with pytest.raises(CalendarGone):
        delete(far, event_id)


@pytest.mark.parametrize(("status", "reason"), [(404, "notFound"), (410, "deleted")])
def test_event_that_goes_while_it_is_removed_counts_as_removed(far, status, reason):
    event_id = create(far)

    def purged_meanwhile(request, forward):
        far.calendar.purge(event_id)
        return refusing(status, reason)(request, forward)

    far.google.commit(purged_meanwhile, method="DELETE")
    delete(far, event_id)
    assert far.calendar.get(event_id) is None


def test_event_that_changes_while_it_is_removed_is_looked_at_again(far):
    event_id = create(far)

    def given_away_meanwhile(request, forward):
        far.calendar.change(event_id, "Theirs now", extendedProperties=None)
        return forward(request)

    far.google.commit(given_away_meanwhile, method="DELETE")
    with pytest.raises(WriteRefused):
        delete(far, event_id)
    assert titles(far.full_round()) == ["Theirs now"]


def test_removing_mails_nobody(far):
    delete(far, create(far))
    [question] = asked(far, "DELETE")
    assert question.first("sendUpdates") == "none"


# --- reading it, and what proves that it is gone ---------------------------------------------


def read(far: GoogleCalendar, event_id: str):
    return far.adapter().read_event(far.calendar_id, event_id, zone=BERLIN)


def test_event_that_nothing_is_known_of_is_gone_if_the_calendar_is_there(far):
    event_id = create(far)
    far.calendar.purge(event_id)
    with pytest.raises(EventGone):
        read(far, event_id)


def test_event_in_a_calendar_that_is_gone_is_not_proven_gone(far):
    event_id = create(far)
    far.google.remove_calendar(far.calendar)
    with pytest.raises(CalendarGone):
        read(far, event_id)
    with pytest.raises(CalendarGone):
        update(far, event_id)


@pytest.mark.parametrize(
    "fault",
    [
        instead(500),
        instead(403, "<html>"),
        instead(200, "{}"),
        instead(200, '{"id": "another"}'),
        instead(429),
        lost,
    ],
)
def test_trouble_is_no_proof_that_an_event_is_gone(far, fault):
    event_id = create(far)
    far.google.commit(fault, method="GET", times=9)
    with pytest.raises((ProviderUnavailable, CalendarGone)):
        read(far, event_id)


def test_missing_event_is_no_proof_while_the_calendar_does_not_answer(far):
    event_id = create(far)
    far.google.commit(refusing(404, "notFound"), about=event_id)
    far.google.commit(instead(503), about="/events?")
    with pytest.raises(ProviderUnavailable):
        read(far, event_id)


def test_event_whose_time_cannot_be_read_is_not_taken_for_gone(far):
    event_id = create(far)
    body = f'{{"id": "{event_id}", "status": "confirmed", "start": {{}}}}'
    far.google.commit(instead(200, body), method="GET")
    with pytest.raises(ProviderUnavailable):
        read(far, event_id)


def test_answer_about_another_event_is_not_taken_for_ours(far):
    event_id = create(far)
    other = far.add("Other", TEN, TEN + HOUR)
    body = json.dumps(far.calendar.get(other))
    far.google.commit(instead(200, body), method="GET")
    with pytest.raises(ProviderUnavailable):
        read(far, event_id)


def test_our_event_that_was_made_an_all_day_one_is_read_in_the_given_zone(far):
    event_id = create(far)
    far.calendar.change(event_id, None, date(2026, 6, 15), date(2026, 6, 16))
    event = read(far, event_id)
    assert (event.start_date, event.start.astimezone(BERLIN).hour) == (date(2026, 6, 15), 0)


# --- refusals --------------------------------------------------------------------------------


def test_calendar_that_may_only_be_read_takes_no_event(far):
    far.account.subscribe(far.calendar, "reader")
    with pytest.raises(WriteRefused, match="may not write"):
        create(far)


def test_event_that_google_does_not_take_is_refused(far):
    backwards = replace(DRAFT, end=DRAFT.start - HOUR)
    with pytest.raises(WriteRefused):
        create(far, backwards)
    event_id = create(far)
    with pytest.raises(WriteRefused):
        update(far, event_id, backwards)


@pytest.mark.parametrize(
    "reason", ["forbidden", "forbiddenForNonOrganizer", "notACalendarUser", "requiredAccessLevel"]
)
def test_known_reason_why_an_account_may_not_write_is_final(far, reason):
    far.google.commit(refusing(403, reason, domain="calendar"), method="POST")
    with pytest.raises(WriteRefused, match="may not write"):
        create(far)


@pytest.mark.parametrize(
    "fault",
    [
        instead(302),
        instead(403, "<html>Sorry</html>"),
        refusing(403, "aNewReason"),
        refusing(404, "notFound"),
        instead(404, "<html>"),
        instead(408),
        refusing(410, "deleted"),
        instead(418),
    ],
)
def test_odd_answer_to_a_write_is_tried_again_later(far, fault):
    far.google.commit(fault, method="POST")
    with pytest.raises(ProviderUnavailable):
        create(far)
    assert create(far) == OWN_ID


def test_calendar_that_is_gone_is_no_refused_event(far):
    far.google.remove_calendar(far.calendar)
    with pytest.raises(CalendarGone):
        create(far)


def test_used_up_quota_is_not_tried_again_at_once(far):
    far.google.commit(refusing(403, "quotaExceeded", domain="usageLimits"), method="POST")
    with pytest.raises(RateLimited) as limited:
        create(far)
    assert limited.value.retry_after == 1800
    assert len(asked(far, "POST")) == 1


# --- conferences -----------------------------------------------------------------------------

VIDEO = replace(DRAFT, wants_conference=True)


def test_conference_is_waited_for(far, patience):
    far.google.events.conferences.looks = 3
    written = far.adapter().create_event(far.calendar_id, VIDEO)
    assert written.conference_url == f"https://meet.google.com/{OWN_ID[:12]}"
    assert patience == [1.0] * 3


def test_conference_that_takes_too_long_is_found_at_the_next_write(far, patience):
    far.google.events.conferences.looks = conferences.LOOKS + 1
    first = far.adapter().create_event(far.calendar_id, VIDEO)
    assert (first.conference_url, first.awaits_conference) == ("", True)
    assert len(patience) == conferences.LOOKS
    second = far.adapter().create_event(far.calendar_id, VIDEO)
    assert (second.conference_url != "", second.awaits_conference) == (True, False)


def test_conference_that_cannot_be_made_leaves_the_meeting(far, patience):
    far.google.events.conferences.outcome = "failure"
    written = far.adapter().create_event(far.calendar_id, VIDEO)
    assert (written.conference_url, written.awaits_conference) == ("", False)
    assert titles(far.full_round()) == [DRAFT.title]


def test_conference_stays_when_the_event_moves(far, patience):
    written = far.adapter().create_event(far.calendar_id, VIDEO)
    moved = far.adapter().update_event(
        far.calendar_id, OWN_ID, replace(LATER, wants_conference=True)
    )
    assert moved.conference_url == written.conference_url != ""
    [question] = asked(far, "PATCH")
    assert set(question.json) == {"start", "end"}


def test_meeting_in_a_calendar_without_conferences_is_held_without(far, patience):
    far.calendar.has_conferences = False
    assert far.adapter().create_event(far.calendar_id, VIDEO).conference_url == ""
    later = replace(LATER, wants_conference=True)
    far.adapter().update_event(far.calendar_id, OWN_ID, later)
    assert [event.start for event in events(far.full_round())] == [LATER.start]


def test_conference_is_only_asked_for_where_it_is_wanted(far, patience):
    assert far.adapter().create_event(far.calendar_id, DRAFT).conference_url == ""
    assert "conferenceData" not in far.calendar.get(OWN_ID)
    assert far.adapter().update_event(far.calendar_id, OWN_ID, VIDEO).conference_url != ""


def test_event_with_a_later_id_has_a_conference_of_its_own(far, patience):
    far.google.events.brings_back_deleted = False
    far.remove(far.adapter().create_event(far.calendar_id, VIDEO).provider_event_id)
    second = far.adapter().create_event(far.calendar_id, VIDEO)
    assert (second.provider_event_id, second.conference_url != "") == (f"{OWN_ID}v2", True)


def test_event_in_another_calendar_has_a_conference_of_its_own(far, patience):
    elsewhere = calendar_at(far.google)
    links = [
        one.adapter().create_event(one.calendar_id, VIDEO).conference_url
        for one in (far, elsewhere)
    ]
    assert "" not in links


def test_conference_that_could_not_be_made_is_asked_for_once_more(far, patience):
    far.google.events.conferences.outcome = "failure"
    for _ in range(3):
        far.adapter().create_event(far.calendar_id, VIDEO)
    assert [len(asked(far, method)) for method in ("POST", "PATCH")] == [3, 1]


def test_conference_that_could_be_made_at_last_is_found(far, patience):
    far.google.events.conferences.outcome = "failure"
    far.adapter().create_event(far.calendar_id, VIDEO)
    far.google.events.conferences.outcome = "success"
    assert far.adapter().update_event(far.calendar_id, OWN_ID, VIDEO).conference_url != ""
