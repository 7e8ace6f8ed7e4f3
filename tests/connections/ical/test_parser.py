"""Content lines and components, as real clients write them."""

import pytest

from connections.providers.ical.parser import Property, parse, read_line, unescape, unfold


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("space", [" ", "\t"])
def test_folded_lines_are_joined_whatever_they_are_folded_with(line_end: str, space: str):
    text = f"SUMMARY:one {line_end}{space}two{line_end}UID:1"
    assert unfold(text) == ["SUMMARY:one two", "UID:1"]


def test_a_line_separator_inside_a_value_does_not_end_the_line():
    assert unfold("SUMMARY:a\u2028b\x0bc\x0cd\nUID:1") == ["SUMMARY:a\u2028b\x0bc\x0cd", "UID:1"]


def test_a_byte_order_mark_is_not_part_of_the_first_name():
    assert parse("\ufeffBEGIN:VCALENDAR\nEND:VCALENDAR").children[0].name == "VCALENDAR"


def test_quoted_parameters_may_hold_colons_semicolons_and_commas():
    line = 'ATTENDEE;CN="Doe; Jane: (a,b)";PARTSTAT=DECLINED:mailto:jane@example.com'
    assert read_line(line) == Property(
        {"CN": "Doe; Jane: (a,b)", "PARTSTAT": "DECLINED"}, "mailto:jane@example.com"
    )


def test_parameter_names_are_read_in_any_case():
    assert read_line("DTSTART;tzid=Europe/Berlin:20260605T090000") == Property(
        {"TZID": "Europe/Berlin"}, "20260605T090000"
    )


def test_an_unbalanced_quote_loses_no_line():
    component = parse('BEGIN:VEVENT\nDTSTART;TZID="Europe/Berlin:20260605T090000\nUID:1\n')
    assert component.children[0].first("UID") == Property({}, "1")


def test_escapes_are_undone():
    assert unescape(r"Caf\\'e\, tea\; cake\nand\Nmore") == "Caf\\'e, tea; cake\nand\nmore"


def test_names_of_components_and_properties_are_read_in_any_case():
    component = parse("begin:vevent\nuid:1\nend:vevent").children[0]
    assert (component.name, component.first("UID"), component.is_closed) == (
        "VEVENT",
        Property({}, "1"),
        True,
    )


def test_properties_of_an_alarm_are_not_those_of_its_event():
    event = parse(
        "BEGIN:VEVENT\nBEGIN:VALARM\nDURATION:PT5M\nEND:VALARM\nDURATION:PT1H\nEND:VEVENT"
    ).children[0]
    assert [found.value for found in event.all("DURATION")] == ["PT1H"]


def test_what_the_text_ends_within_is_not_closed():
    root = parse("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1")
    assert [(each.name, each.is_closed) for each in root.walk()] == [
        ("VCALENDAR", False),
        ("VEVENT", False),
    ]


def test_an_end_closes_what_was_left_open_inside():
    root = parse("BEGIN:VEVENT\nBEGIN:VALARM\nEND:VEVENT\nBEGIN:VTODO\nEND:VTODO")
    assert [(each.name, each.is_closed) for each in root.walk()] == [
        ("VEVENT", True),
        ("VALARM", False),
        ("VTODO", True),
    ]


def test_an_end_that_closes_nothing_is_ignored():
    root = parse("END:VEVENT\nBEGIN:VEVENT\nEND:VTODO\nUID:1\nEND:VEVENT")
    assert root.children[0].first("UID") == Property({}, "1")


def test_lines_without_a_colon_are_left_out():
    event = parse("BEGIN:VEVENT\nDTSTART\n\nUID:1\nEND:VEVENT").children[0]
    assert event.lines == {"UID": ["UID:1"]}


def test_components_are_walked_in_the_order_of_the_text():
    root = parse("BEGIN:A\nBEGIN:B\nEND:B\nBEGIN:C\nEND:C\nEND:A\nBEGIN:D\nEND:D")
    assert [each.name for each in root.walk()] == ["A", "B", "C", "D"]
