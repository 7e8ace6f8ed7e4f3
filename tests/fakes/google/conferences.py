"""Google Meet: requested with an event, made a little later."""

from tests.fakes.google.refusals import invalid
from tests.fakes.google.store import Calendar


class Conferences:
    """``looks`` is how often an event is read before its conference is there.

    A request whose id was used before, whatever the event, is ignored.
    https://developers.google.com/workspace/calendar/api/v3/reference/events#conferenceData
    """

    def __init__(self) -> None:
        self.looks, self.outcome = 1, "success"
        self._looks_left: dict[str, int] = {}
        self._used: set[str] = set()

    def requested(self, before: dict, resource: dict, calendar: Calendar) -> dict:
        """The event with its conference pending, if it asks for one that it has not asked for."""
        request = resource.get("conferenceData", {}).get("createRequest")
        earlier = before.get("conferenceData", {}).get("createRequest")
        if not request or (earlier and earlier["requestId"] == request["requestId"]):
            return resource
        if not calendar.has_conferences:
            raise invalid("Invalid conference type value.", "conferenceData")
        if request["requestId"] in self._used:
            return {**resource, "conferenceData": before.get("conferenceData")}
        self._used.add(request["requestId"])
        self._looks_left.pop(before.get("id"), None)
        pending = {**request, "status": {"statusCode": "pending"}}
        return {**resource, "conferenceData": {"createRequest": pending}}

    def after_a_look(self, event: dict, calendar: Calendar) -> dict:
        """The event as somebody reads it who has waited for a while."""
        request = event.get("conferenceData", {}).get("createRequest", {})
        if request.get("status", {}).get("statusCode") != "pending":
            return event
        left = self._looks_left.setdefault(event["id"], self.looks) - 1
        self._looks_left[event["id"]] = left
        return event if left > 0 else calendar.store(event | self._made(event["id"], request))

    def _made(self, event_id: str, request: dict) -> dict:
        done = {**request, "status": {"statusCode": self.outcome}}
        if self.outcome != "success":
            return {"conferenceData": {"createRequest": done}}
        url = f"https://meet.google.com/{event_id[:12]}"
        entry = {"entryPointType": "video", "uri": url}
        return {
            "hangoutLink": url,
            "conferenceData": {"createRequest": done, "entryPoints": [entry]},
        }
