"""A meeting type's questions as lines of text."""

import pytest
from django.core.exceptions import ValidationError

from availability.questions import from_text, to_text

TOPIC = {"name": "topic", "label": "What is it about?", "required": True, "type": "text"}
STORY = {"name": "story", "label": "Your story", "required": False, "type": "textarea"}
WAY = {
    "name": "way",
    "label": "How?",
    "required": True,
    "type": "select",
    "options": ["Phone", "Video"],
}
KNOWN = [TOPIC, STORY, WAY]
TEXT = "What is it about? *\nYour story\nHow? * | Phone | Video"


def test_questions_are_written_a_line_each():
    assert to_text(KNOWN) == TEXT


def test_text_sent_back_unchanged_changes_nothing():
    assert from_text(TEXT, known=KNOWN) == KNOWN


def test_browsers_line_ends_and_blanks_make_no_difference():
    assert from_text("\r\n  What is it about?   *\r\n\r\n", known=KNOWN) == [TOPIC]


def test_known_question_keeps_its_name_when_it_becomes_a_choice():
    (asked,) = from_text("Your story | Short | Long", known=KNOWN)

    assert asked == {
        "name": "story",
        "label": "Your story",
        "required": False,
        "type": "select",
        "options": ["Short", "Long"],
    }


def test_new_question_never_takes_the_name_of_another():
    """Answers are stored under the names."""
    asked = from_text("Topic\nTopic?\n话题\n什么", known=KNOWN)

    assert [one["name"] for one in asked] == ["topic-2", "topic-3", "question", "question-2"]


@pytest.mark.parametrize("text", ["Why?\nWhy? *", "How? | Phone", "How? | Phone |", "*", "| a | b"])
def test_line_that_asks_nothing_is_refused(text):
    with pytest.raises(ValidationError):
        from_text(text, known=[])
