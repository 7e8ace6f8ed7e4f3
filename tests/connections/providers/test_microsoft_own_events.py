"""Our own events at Microsoft: exactly one of each, whatever gets lost, nobody else's touched."""

from dataclasses import replace
from datetime import timedelta
from random import Random

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
from connections.providers.microsoft.drafts import PROPERTY, transaction_ids
from tests.connections.providers.contract import BERLIN, DAY, DRAFT, HOUR, TEN, events, titles
from tests.connections.providers.far_end import cut_off, instead, lost
from tests.connections.providers.microsoft_far import MicrosoftCalendar, calendar_at
from tests.fakes.microsoft import FakeMicrosoft, refusing
from tests.fakes.microsoft.events import MEETING

LATER = replace(DRAFT, start=TEN + DAY, end=TEN + DAY + HOUR, sequence=1)
CALL = replace(DRAFT, wants_conference=True)
FIRST_TRANSACTION = next(transaction_ids(DRAFT.booking_id))


@pytest.fixture
def far(microsoft: FakeMicrosoft) -> MicrosoftCalendar:
    return calendar_at(microsoft)


@pytest.fixture
def patience(monkeypatch) -> list[float]:
    """The pauses that were made, without making them."""
    pauses: list[float] = []
    monkeypatch.setattr(conferences, "sleep", pauses.append)
    return pauses


def create(far: MicrosoftCalendar, draft: EventDraft = DRAFT) -> str:
    return far.adapter().create_event(far.calendar_id, draft).provider_event_id


def update(far: MicrosoftCalendar, event_id: str, draft: EventDraft = LATER) -> str:
    return far.adapter().update_event(far.calendar_id, event_id, draft).provider_event_id


def delete(far: MicrosoftCalendar, event_id: str) -> None:
    far.adapter().delete_event(far.calendar_id, event_id)


# --- the event -------------------------------------------------------------------------------


def test_event_says_what_the_draft_says_and_invites_nobody(far):
    stored = far.calendar.get(create(far))
    assert stored["subject"] == DRAFT.title
    assert stored["body"] == {"contentType": "text", "content": DRAFT.description}
    assert stored["location"] == {"displayName": DRAFT.location}
    assert stored["start"] == {"dateTime": "2026-06-15T10:00:00", "timeZone": "UTC"}
    assert stored["end"] == {"dateTime": "2026-06-15T11:00:00", "timeZone": "UTC"}
    assert stored["showAs"] == "busy"
    assert stored["transactionId"] == FIRST_TRANSACTION
    mark = {"id": PROPERTY, "value": str(DRAFT.booking_id)}
    assert stored["singleValueExtendedProperties"] == [mark]
    assert "attendees" not in stored


def test_spaces_of_a_search_are_sent_as_graph_reads_them(far):
    create(far)
    search = far.microsoft.requests[0].path
    assert "%24filter" not in search
    assert "$filter=singleValueExtendedProperties%2FAny%28ep%3A%20ep%2Fid%20eq%20" in search


# --- exactly one -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [lost, cut_off, instead(503), instead(200, "<html>")])
@pytest.mark.parametrize("searches_are_late", [False, True])
@pytest.mark.parametrize("names_existing", [False, True])
@pytest.mark.parametrize("status", [400, 409])
def test_event_whose_answer_gets_lost_is_there_once(
    far, fault, searches_are_late, names_existing, status
):
    """Whatever happened to the first try, the second one leaves exactly one event."""
    far.microsoft.events.duplicate_status = status
    far.microsoft.events.searches_are_late = searches_are_late
    far.microsoft.events.names_existing = names_existing
    far.microsoft.commit(fault, method="POST")
    with pytest.raises(ProviderUnavailable):
        create(far)
    event_id = create(far)
    assert list(far.calendar.events) == [event_id]


def test_event_that_is_stored_and_answered_too_late_is_there_once(far):
    far.timeout = 0.2
    late = far.microsoft.slow(0.4)

    def stored_then_late(request, forward):
        answer = forward(request)
        return late(request, lambda _: answer)

    far.microsoft.commit(stored_then_late, method="POST")
    with pytest.raises(ProviderUnavailable):
        create(far)
    assert list(far.calendar.events) == [create(far)]


def test_transaction_that_microsoft_has_forgotten_makes_no_second_event(far):
    first = create(far)
    far.account.transactions.clear()
    assert create(far) == first
    assert list(far.calendar.events) == [first]


def test_mailbox_that_takes_no_searches_gets_one_event_all_the_same(far):
    """Where it is known again by its transaction id, at its time."""
    no_search = refusing(400, "ErrorInvalidUrlQueryFilter")
    far.microsoft.commit(no_search, about="%24filter=single", times=99)
    far.microsoft.commit(no_search, about="$filter=single", times=99)
    far.microsoft.commit(lost, method="POST")
    with pytest.raises(ProviderUnavailable):
        create(far)
    far.account.transactions.clear()
    event_id = create(far)
    assert list(far.calendar.events) == [event_id]
    assert create(far) == event_id


def test_storm_of_tries_leaves_one_event(far):
    random = Random(7)
    faults = [lost, cut_off, instead(500), instead(503, Retry_After="1"), instead(409)]
    for number in range(50):
        fault, method = random.choice(faults), random.choice(["POST", "GET", "PATCH"])
        far.microsoft.commit(fault, method=method)
        far.microsoft.events.searches_are_late = random.random() < 0.3
        try:
            create(far, replace(DRAFT, title=f"Try {number}"))
        except (ProviderUnavailable, EventConflict, WriteRefused):
            continue
    far.microsoft.heal()
    create(far, LATER)
    assert [event.start for event in events(far.full_round())] == [LATER.start]


@pytest.mark.parametrize("names_existing", [False, True])
def test_event_that_was_deleted_is_written_anew_and_is_still_ours(far, names_existing):
    far.microsoft.events.names_existing = names_existing
    first = create(far)
    far.remove(first)
    second = create(far)
    assert second != first
    assert far.calendar.get(second)["transactionId"] == f"{FIRST_TRANSACTION}.2"
    assert [event.booking_id for event in events(far.full_round())] == [DRAFT.booking_id]
    assert create(far) == second


def test_search_that_still_finds_a_deleted_event_is_not_believed(far):
    answers = []

    def kept(request, forward):
        answers.append(forward(request))
        return answers[0]

    first = create(far)
    far.microsoft.commit(kept, about="&$filter=", times=2)
    assert create(far) == first
    far.remove(first)
    second = create(far)
    assert second != first
    assert list(far.calendar.events) == [second]


def test_event_that_is_deleted_again_and_again_is_given_up_in_the_end(far):
    for _ in range(5):
        far.remove(create(far))
    with pytest.raises(WriteRefused):
        create(far)


def test_copy_that_somebody_made_of_our_event_is_theirs(far):
    event_id = create(far)
    ours = far.calendar.get(event_id)
    names = ("subject", "start", "end", "singleValueExtendedProperties")
    copy = far.calendar.store({name: ours[name] for name in names})["id"]
    far.calendar.events = {copy: far.calendar.events[copy], event_id: ours}
    assert create(far, LATER) == event_id
    found = {event.provider_event_id: event.booking_id for event in events(far.full_round())}
    assert found == {event_id: DRAFT.booking_id, copy: None}


def test_transaction_id_that_somebody_else_used_is_not_taken_for_ours(far):
    theirs = far.add("Theirs", TEN, TEN + HOUR)
    far.account.transactions[FIRST_TRANSACTION] = theirs
    assert create(far) != theirs
    assert far.calendar.get(theirs)["subject"] == "Theirs"


# --- bringing up to date ---------------------------------------------------------------------


def test_event_that_says_the_same_already_is_left_alone(far):
    event_id = create(far)
    text = DRAFT.description.replace("\n", "\r\n") + "\r\n"
    far.calendar.get(event_id)["body"] = {"contentType": "text", "content": text}
    update(far, event_id, DRAFT)
    create(far)
    assert far.microsoft.asked("PATCH") == []


def test_only_what_differs_is_overwritten(far):
    event_id = create(far)
    far.calendar.change(event_id, categories=["Mine"], showAs="oof")
    update(far, event_id, replace(DRAFT, title="New"))
    stored = far.calendar.get(event_id)
    assert (stored["subject"], stored["categories"], stored["showAs"]) == ("New", ["Mine"], "oof")
    assert far.microsoft.asked("PATCH")[-1].body == b'{"subject": "New"}'


@pytest.mark.parametrize(
    "draft", [DRAFT, replace(DRAFT, start=TEN - 10 * HOUR, end=TEN + 14 * HOUR)]
)
def test_event_turned_into_an_all_day_one_gets_its_hours_back(far, draft):
    event_id = create(far, draft)
    far.calendar.change(event_id, start=TEN.date(), end=TEN.date() + timedelta(days=1))
    update(far, event_id, draft)
    [event] = events(far.full_round())
    assert (event.start, event.end, event.is_all_day) == (draft.start, draft.end, False)


def test_event_that_is_not_ours_is_neither_changed_nor_removed(far):
    theirs = far.add("Theirs", TEN, TEN + HOUR)
    for change in (update, lambda far, event_id: delete(far, event_id)):
        with pytest.raises(WriteRefused):
            change(far, theirs)
    assert far.calendar.get(theirs)["subject"] == "Theirs"
    other = create(far, replace(DRAFT, booking_id=type(DRAFT.booking_id)(int=7)))
    with pytest.raises(WriteRefused):
        update(far, other)


def test_event_that_keeps_changing_is_given_up(far):
    event_id = create(far)
    far.microsoft.commit(refusing(412, "ErrorIrresolvableConflict"), method="PATCH", times=2)
    assert update(far, event_id) == event_id
    far.microsoft.commit(refusing(409, "ErrorIrresolvableConflict"), method="PATCH", times=3)
    with pytest.raises(EventConflict):
        update(far, event_id, DRAFT)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_mailbox_at_work_on_something_else_is_no_lasting_refusal(far, method):
    event_id = "" if method == "POST" else create(far)
    far.microsoft.commit(refusing(409, "ErrorIrresolvableConflict"), method=method)
    with pytest.raises(EventConflict):
        delete(far, event_id) if event_id else create(far)


def test_event_that_was_cancelled_in_the_calendar_is_gone(far):
    event_id = create(far)
    far.calendar.change(event_id, isCancelled=True)
    with pytest.raises(EventGone):
        update(far, event_id)


def test_event_in_deleted_items_is_gone(far):
    """Its id stays good there, and it cannot be deleted once more."""
    far.microsoft.events.shows_trash = True
    event_id = create(far)
    far.remove(event_id)
    with pytest.raises(EventGone):
        far.adapter().read_event(far.calendar_id, event_id, zone=BERLIN)
    with pytest.raises(EventGone):
        update(far, event_id)
    delete(far, event_id)
    assert create(far) != event_id


def test_series_made_of_our_event_is_not_gone(far):
    event_id = create(far)
    far.calendar.change(event_id, repeats="FREQ=DAILY;COUNT=3")
    far.remove(far.calendar.occurrences(far.calendar.get(event_id))[0]["id"])
    event = far.adapter().read_event(far.calendar_id, event_id, zone=BERLIN)
    assert event.start == DRAFT.start


@pytest.mark.parametrize("fault", [instead(503), lost, instead(400), instead(200, "{}")])
def test_only_a_clear_answer_means_that_an_event_is_gone(far, fault):
    event_id = create(far)
    far.microsoft.commit(fault, method="GET", times=9)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            far.adapter().read_event(far.calendar_id, event_id, zone=BERLIN)


def test_calendar_that_is_gone_is_no_deleted_event(far):
    event_id = create(far)
    far.account.drop(far.calendar)
    with pytest.raises(CalendarGone):
        far.adapter().read_event(far.calendar_id, event_id, zone=BERLIN)
    with pytest.raises(CalendarGone):
        update(far, event_id)
    with pytest.raises(CalendarGone):
        create(far)


def test_calendar_that_may_only_be_read_refuses(far):
    event_id = create(far)
    far.calendar.can_edit = False
    for write in (update, delete):
        with pytest.raises(WriteRefused, match="may not write"):
            write(far, event_id)
    with pytest.raises(WriteRefused, match="may not write"):
        create(far, replace(DRAFT, booking_id=type(DRAFT.booking_id)(int=7)))


def test_write_that_is_throttled_waits(far):
    far.microsoft.commit(instead(429, Retry_After="12"), method="POST")
    with pytest.raises(RateLimited) as limited:
        create(far)
    assert limited.value.retry_after == 12


def test_removal_that_does_not_get_through_says_so(far):
    event_id = create(far)
    far.microsoft.commit(instead(503), method="DELETE")
    with pytest.raises(ProviderUnavailable):
        delete(far, event_id)
    far.microsoft.commit(lost, method="DELETE")
    with pytest.raises(ProviderUnavailable):
        delete(far, event_id)
    delete(far, event_id)
    assert titles(far.full_round()) == []


# --- moved to another calendar of the mailbox ------------------------------------------------


def test_moved_event_is_brought_up_to_date_where_it_is(far):
    other = far.account.calendar("Other")
    event_id = create(far)
    far.account.move(event_id, far.calendar, other)
    assert update(far, event_id) == event_id
    assert (list(far.calendar.events), list(other.events)) == ([], [event_id])
    assert other.get(event_id)["start"]["dateTime"] == "2026-06-16T10:00:00"


def test_moved_event_is_deleted_where_it_is(far):
    other = far.account.calendar("Other")
    event_id = create(far)
    far.account.move(event_id, far.calendar, other)
    delete(far, event_id)
    assert other.events == {}


@pytest.mark.parametrize("names_existing", [False, True])
def test_moved_event_that_is_written_anew_is_there_once(far, names_existing):
    far.microsoft.events.names_existing = names_existing
    other = far.account.calendar("Other")
    first = create(far)
    far.account.move(first, far.calendar, other)
    second = create(far)
    assert list(far.calendar.events) == [second]
    assert list(other.events) == ([] if names_existing else [first])


def test_event_of_somebody_else_in_another_calendar_is_left_alone(far):
    other = far.account.calendar("Other")
    theirs = other.add("Theirs", TEN, TEN + HOUR)
    for change in (update, delete):
        with pytest.raises(WriteRefused):
            change(far, theirs)
    far.account.transactions[FIRST_TRANSACTION] = theirs
    create(far)
    assert other.get(theirs)["subject"] == "Theirs"


def test_event_that_may_be_in_another_calendar_is_not_called_gone(far):
    event_id = create(far)
    far.account.move(event_id, far.calendar, far.account.calendar("Other"))
    far.microsoft.commit(instead(503), about="/me/events/", times=9)
    for change in (update, delete):
        with pytest.raises(ProviderUnavailable):
            change(far, event_id)


@pytest.mark.parametrize("fault", [instead(400), instead(403), instead(404)])
def test_event_of_a_shared_calendar_can_be_gone(far, fault):
    event_id = create(far)
    far.remove(event_id)
    far.microsoft.commit(fault, about="/me/events/", times=9)
    with pytest.raises(EventGone):
        update(far, event_id)
    delete(far, event_id)


# --- online meetings -------------------------------------------------------------------------


def test_meeting_is_set_up_and_its_address_handed_on(far, patience):
    far.microsoft.events.looks_before_meeting = 2
    written = far.adapter().create_event(far.calendar_id, CALL)
    assert written.conference_url == MEETING["joinUrl"]
    assert patience == [1.0, 1.0]
    assert (
        far.calendar.get(written.provider_event_id)["onlineMeetingProvider"] == "teamsForBusiness"
    )


def test_meeting_that_takes_too_long_is_found_next_time(far, patience):
    far.microsoft.events.looks_before_meeting = 7
    first = far.adapter().create_event(far.calendar_id, CALL)
    assert (first.conference_url, first.awaits_conference) == ("", True)
    assert len(patience) == 5
    assert far.adapter().create_event(far.calendar_id, CALL).conference_url == MEETING["joinUrl"]


def test_account_without_teams_gets_the_event_without_a_meeting(far):
    far.account.has_teams = False
    written = far.adapter().create_event(far.calendar_id, CALL)
    assert (written.conference_url, titles(far.full_round())) == ("", [DRAFT.title])
    assert far.adapter().create_event(far.calendar_id, CALL) == written
    moved = replace(CALL, start=LATER.start, end=LATER.end)
    far.adapter().update_event(far.calendar_id, written.provider_event_id, moved)
    assert [event.start for event in events(far.full_round())] == [LATER.start]


def test_how_to_take_part_is_never_overwritten(far):
    event_id = create(far, CALL)
    before = far.calendar.get(event_id)["body"]
    update(far, event_id, replace(CALL, description="Other words", title="Later"))
    stored = far.calendar.get(event_id)
    assert (stored["subject"], stored["body"]) == ("Later", before)
    assert MEETING["joinUrl"] in before["content"]
