"""A browser without JavaScript: it follows links, and sends forms with what stands in them."""

from urllib.parse import urljoin, urlsplit

from django.test import Client
from lxml import html

ORIGIN = "http://testserver"


class Paper:
    """A page as it was answered. Every step gives the next page."""

    def __init__(self, client: Client, response) -> None:
        self.client = client
        self.response = response
        self.tree = html.fromstring(response.content.decode().replace("<br>", " "))

    @classmethod
    def open(cls, client: Client, address: str) -> "Paper":
        return cls(client, client.get(address, follow=True))

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def address(self) -> str:
        hops = getattr(self.response, "redirect_chain", [])
        own = self.response.request
        path = f"{own['PATH_INFO']}?{own['QUERY_STRING']}"
        return urljoin(path, hops[-1][0]) if hops else path

    @property
    def text(self) -> str:
        return " ".join(self.tree.find(".//main").text_content().split())

    def texts(self, xpath: str) -> list[str]:
        return [" ".join(found.text_content().split()) for found in self.tree.xpath(xpath)]

    @property
    def times(self) -> list[str]:
        """The times to choose from, as they are read."""
        return self.texts("//section[@class='times']//li")

    @property
    def days(self) -> list[str]:
        """The days that can be chosen, as a screen reader says them."""
        return self.tree.xpath("//td/a/@aria-label")

    @property
    def links(self) -> dict[str, str]:
        """Where links lead, under the name that a person hears or reads."""
        return {
            link.get("aria-label") or " ".join(link.text_content().split()): link.get("href")
            for link in self.tree.iter("a")
        }

    def follow(self, name: str) -> "Paper":
        """Follow the one link whose name starts with this."""
        [target] = [to for found, to in self.links.items() if found.startswith(name)]
        return self.open(self.client, self._absolute(target))

    def typed(self) -> dict[str, str]:
        """What stands in the form that is posted."""
        values = self._form().form_values()
        return {name: text.removeprefix("\n") for name, text in values}  # a textarea's first break

    def send(self, **typed: str) -> "Paper":
        """Post the form, with this typed in. Names are read with ``_`` for ``-``."""
        typed = {name.replace("_", "-"): text for name, text in typed.items()}
        response = self.client.post(
            self.address, self.typed() | typed, headers={"Origin": ORIGIN}, follow=True
        )
        return Paper(self.client, response)

    def choose_zone(self, name: str) -> "Paper":
        """Send the form of the time zones, which asks by GET."""
        [form] = [form for form in self.tree.forms if form.method == "GET"]
        query = dict(form.form_values()) | {"zone": name}
        response = self.client.get(urlsplit(self.address).path, query, follow=True)
        return Paper(self.client, response)

    def _absolute(self, target: str) -> str:
        """As browsers do: a bare question mark is an empty query, not the old one."""
        if target.startswith("?"):
            return urlsplit(self.address).path + target
        return urljoin(self.address, target)

    def _form(self):
        [form] = [form for form in self.tree.forms if form.method == "POST"]
        return form
