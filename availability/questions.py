"""A meeting type's questions as a person writes them: one line each.

``What is it about? *`` asks for text, and the star means that an answer is needed;
``How shall we meet? | Phone | Video`` offers a choice.
"""

from django.core.exceptions import ValidationError
from django.utils.text import slugify

SEPARATOR, REQUIRED = "|", "*"


def to_text(questions: list[dict]) -> str:
    """The questions, a line for each."""
    return "\n".join(_line(asked) for asked in questions)


def from_text(text: str, *, known: list[dict]) -> list[dict]:
    """The questions of these lines.

    A question that was asked before keeps its name, under which earlier answers are stored. Raises
    ``ValidationError`` when one is asked twice, or offers a choice of one.
    """
    questions: list[dict] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        questions.append(_question(line, asked_before=known, asked_already=questions))
    return questions


def _line(asked: dict) -> str:
    label = f"{asked['label']} {REQUIRED}" if asked.get("required") else asked["label"]
    return f" {SEPARATOR} ".join([label, *asked.get("options", [])])


def _question(line: str, *, asked_before: list[dict], asked_already: list[dict]) -> dict:
    label, *options = (part.strip() for part in line.split(SEPARATOR))
    required = label.endswith(REQUIRED)
    label = label.rstrip(REQUIRED + " ")
    if not label or label in {asked["label"] for asked in asked_already}:
        raise ValidationError(f"“{line}”: each line needs a question of its own.")
    if options and (len(options) < 2 or not all(options)):
        raise ValidationError(f"“{line}”: give at least two answers to choose from.")
    before = next((asked for asked in asked_before if asked["label"] == label), {})
    kind = {"type": "select", "options": options} if options else {"type": _text_type(before)}
    name = before.get("name") or _free_name(label, {*_names(asked_before), *_names(asked_already)})
    return {"name": name, "label": label, "required": required} | kind


def _text_type(before: dict) -> str:
    return "textarea" if before.get("type") == "textarea" else "text"


def _names(questions: list[dict]) -> list[str]:
    return [asked["name"] for asked in questions]


def _free_name(label: str, taken: set[str]) -> str:
    base = slugify(label) or "question"
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (base, *numbered) if name not in taken)
