"""Signing in at Google and Microsoft for who has linked an account; fakes of both are servers."""

import re
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from connections.models import CalendarConnection, Consultant
from connections.oauth import consent, identities, sign_in
from connections.oauth.offers import OFFERS
from tests.authenticator import code
from tests.connections.consents import Browser, asked
from tests.connections.providers.far_end import edited, instead
from tests.connections.registered import REGISTER
from tests.factories import ConsultantFactory

pytestmark = pytest.mark.django_db

ANNA, BEN, PASSWORD = "anna@example.com", "ben@example.com", "correct horse battery"
LOGIN, DESK = "/accounts/login/", "/admin/"


@pytest.fixture(autouse=True)
def quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture(params=["google", "microsoft"])
def provider(request) -> str:
    return request.param


@pytest.fixture
def far(provider, request, settings):
    """The provider, where Anna has an account and this installation is registered."""
    far = request.getfixturevalue(provider)
    REGISTER[provider](settings, far)
    far.account(ANNA)
    return far


def consultant_with_password(email: str) -> Consultant:
    consultant = ConsultantFactory(email=email)
    consultant.set_password(PASSWORD)
    consultant.save()
    return consultant


@pytest.fixture
def consultant() -> Consultant:
    """Anna here; her account there has the same address, which must not matter."""
    return consultant_with_password(ANNA)


def signed_in(consultant: Consultant) -> Client:
    """On the desk, and just having said the password once more."""
    client = Client()
    client.post(LOGIN, {"login": consultant.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


@pytest.fixture
def desk(consultant, provider, far) -> Browser:
    return Browser(signed_in(consultant), provider, far)


@pytest.fixture
def stranger(provider, far) -> Browser:
    """Signed in nowhere."""
    return Browser(Client(), provider, far)


def is_signed_in(browser: Browser) -> bool:
    return browser.client.get(DESK).status_code == 200


def links() -> list[tuple[Consultant, str]]:
    return [(row.user, row.provider) for row in SocialAccount.objects.order_by("pk")]


def shown(response) -> str:
    """The reason on the page of a refusal."""
    assert response.status_code == 403
    return unescape(re.search(r"<h1>.*?</h1>\s*<p>(.*?)</p>", response.content.decode(), re.S)[1])


def company(browser: Browser) -> str:
    return OFFERS[browser.provider].company


# --- linking -------------------------------------------------------------------------------------


def test_a_linked_account_lets_in(desk, stranger, consultant):
    response = desk.link()

    assert response.url == reverse("mfa_index")
    assert f"{company(desk)}: {ANNA}" in desk.client.get(response.url).content.decode()
    assert stranger.sign_in().url == DESK
    assert stranger.client.get(DESK).context["user"] == consultant


def test_no_more_is_asked_for_than_who_it_is(desk, stranger, provider):
    questions = [
        asked(desk.go(reverse("identity_link", args=[provider]))),
        asked(stranger.go(reverse("identity_sign_in", args=[provider]))),
    ]

    for question in questions:
        assert set(question["scope"].split()) == {"openid", "email", "profile"}
        assert "access_type" not in question
        assert question["code_challenge_method"] == "S256"
        assert question["redirect_uri"] == (
            f"http://testserver/accounts/{provider}/sign-in/callback/"
        )


def test_what_is_asked_for_cannot_be_changed_from_the_address_bar(stranger, provider):
    query = "?scope=everything&auth_params=access_type%3Doffline&process=connect"

    changed = asked(stranger.go(reverse("identity_sign_in", args=[provider]) + query))

    assert set(changed["scope"].split()) == {"openid", "email", "profile"}
    assert "access_type" not in changed


def test_linking_takes_the_password_once_more(consultant, provider, far):
    """Who finds an open desk does not make a way in of their own."""
    client = Client()
    client.post(LOGIN, {"login": ANNA, "password": PASSWORD})
    address = reverse("identity_link", args=[provider])

    question = client.post(address)
    assert question.url.startswith("/accounts/reauthenticate/?next=")
    screen = client.post(question.url, {"password": PASSWORD, "next": address})

    browser = Browser(client, provider, far)
    assert browser.come_back(screen.url).url == reverse("mfa_index")
    assert links() == [(consultant, OFFERS[provider].sign_in)]


def test_linking_and_unlinking_are_never_links_and_take_a_desk(desk, stranger, provider):
    for address in (
        reverse("identity_link", args=[provider]),
        reverse("identity_unlink", args=[1]),
    ):
        assert desk.client.get(address).url == reverse("mfa_index")
        assert stranger.client.post(address).url == f"/admin/login/?next={address}"


def test_linking_connects_no_calendar_and_connecting_links_nothing(desk, stranger):
    desk.link()
    assert CalendarConnection.objects.count() == 0
    SocialAccount.objects.all().delete()

    desk.connect()

    assert {row.provider_email for row in CalendarConnection.objects.all()} == {ANNA}
    assert links() == []
    assert shown(stranger.sign_in()) == sign_in.NOT_LINKED.format(
        account=ANNA, name=company(stranger)
    )


def test_calendars_of_a_linked_account_keep_its_name(desk, far):
    """The account is known already, to another consultant's address even."""
    Consultant.objects.update(email="another@example.com")
    desk.link()

    desk.connect()

    assert {row.provider_email for row in CalendarConnection.objects.all()} == {ANNA}


def test_several_accounts_let_in_the_same_consultant(desk, stranger, far, consultant):
    desk.link()
    desk.consent.account = stranger.consent.account = far.account(BEN)
    desk.link()

    assert [user for user, _ in links()] == [consultant, consultant]
    assert stranger.sign_in().url == DESK


def test_an_account_whose_address_is_not_told_lets_in_as_well(desk, stranger, far):
    """Work accounts need not have a mailbox."""
    far.commit(edited(lambda body: body.replace('"email"', '"other"')), about="/userinfo", times=2)

    page = desk.client.get(desk.link().url).content.decode()

    assert f"This account at {company(desk)} lets you in now." in page
    assert "an account without an address" in page
    assert stranger.sign_in().url == DESK


def test_linking_again_changes_nothing(desk, consultant, provider):
    desk.link()
    desk.link()

    assert links() == [(consultant, OFFERS[provider].sign_in)]


def test_an_account_lets_in_one_consultant_only(desk, consultant, provider, far):
    desk.link()
    other = Browser(signed_in(consultant_with_password(BEN)), provider, far)

    reason = shown(other.link())

    assert reason == sign_in.LINKED_ELSEWHERE.format(account=ANNA, name=company(other))
    assert links() == [(consultant, OFFERS[provider].sign_in)]


def test_a_link_that_is_not_finished_before_the_desk_closes_is_not_made(desk, provider):
    back = desk.decide(desk.go(reverse("identity_link", args=[provider])))
    Consultant.objects.update(is_staff=False)

    assert desk.client.get(back).url == DESK
    assert links() == []


def test_a_link_that_somebody_else_began_is_not_made(desk, provider):
    """Else an attacker's account could be slipped under a consultant's desk."""
    back = desk.decide(desk.go(reverse("identity_link", args=[provider])))
    victim = signed_in(consultant_with_password(BEN))

    assert shown(victim.get(back)) == consent.TOO_LATE
    assert links() == []


# --- signing in ----------------------------------------------------------------------------------


def test_without_a_link_the_same_address_lets_nobody_in(stranger, consultant):
    EmailAddress.objects.create(user=consultant, email=ANNA, verified=True, primary=True)

    reason = shown(stranger.sign_in())

    assert reason == sign_in.NOT_LINKED.format(account=ANNA, name=company(stranger))
    assert not is_signed_in(stranger)
    assert list(Consultant.objects.all()) == [consultant]
    assert links() == []


def test_nobody_signs_up(stranger):
    shown(stranger.sign_in())

    assert not Consultant.objects.exists()
    assert not EmailAddress.objects.exists()


def test_the_account_lets_in_however_its_address_changes(desk, stranger, far, provider):
    """And whoever has the old address by then is not let in."""
    desk.link()
    who = {"google": "/userinfo", "microsoft": "/oidc/userinfo"}[provider]
    far.commit(edited(lambda body: body.replace(ANNA, "anna.married@example.com")), about=who)

    assert stranger.sign_in().url == DESK

    heir = Browser(Client(), provider, far)
    other_id = edited(lambda body: re.sub(r'"(id|sub)": "[^"]*"', r'"\1": "another"', body))
    far.commit(other_id, about=who)
    assert shown(heir.sign_in()) == sign_in.NOT_LINKED.format(account=ANNA, name=company(heir))


def test_one_is_led_where_one_wanted_to_go(desk, stranger):
    desk.link()

    assert stranger.sign_in(next="/admin/bookings/booking/").url == "/admin/bookings/booking/"


@pytest.mark.parametrize("address", ["https://evil.example.com/", "//evil.example.com/"])
def test_next_never_leads_to_another_host(desk, stranger, address):
    desk.link()

    assert stranger.sign_in(next=address).url == DESK


def test_who_is_signed_in_stays_who_they_are(desk, provider, far):
    desk.link()
    ben = consultant_with_password(BEN)
    browser = Browser(signed_in(ben), provider, far)

    browser.sign_in()

    assert browser.client.get(DESK).context["user"] == ben


def test_a_closed_account_is_told_whom_to_ask(desk, stranger):
    desk.link()
    Consultant.objects.update(is_active=False)

    response = stranger.sign_in()

    assert response.url == "/accounts/inactive/"
    assert not is_signed_in(stranger)


def test_what_another_browser_began_is_not_finished(desk, stranger, provider):
    """Else a victim could be signed in as the attacker."""
    desk.link()
    back = stranger.decide(stranger.go(reverse("identity_sign_in", args=[provider])))
    victim = Client()

    assert shown(victim.get(back)) == consent.TOO_LATE
    assert victim.get(DESK).status_code == 302


def test_a_consent_to_calendars_lets_nobody_in(desk, stranger, provider):
    """What comes back from one flow is not taken by the other."""
    desk.link()
    back = desk.decide(desk.go(reverse("connections:consent", args=[provider])))

    crossed = back.replace("/login/callback/", "/sign-in/callback/")

    assert shown(desk.client.get(crossed)) == consent.TOO_LATE


def test_a_refusal_there_says_what_to_do(stranger, desk):
    for browser in (stranger, desk):
        browser.consent.is_granted = False
        assert sign_in.DENIED.format(name=company(browser)) == shown(
            browser.sign_in() if browser is stranger else browser.link()
        )


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("call", ["the token", "who it is"])
def test_a_provider_that_does_not_finish_says_so(stranger, far, call, status):
    about = "/token" if call == "the token" else "/userinfo"
    far.commit(instead(status, "{}"), about=about, times=10)

    assert shown(stranger.sign_in()) == consent.UNFINISHED.format(name=company(stranger))


def test_the_page_offers_what_is_configured_and_there_is_nothing_else(client, settings, google):
    assert "Sign in with" not in client.get(LOGIN).content.decode()

    REGISTER["google"](settings, google)
    page = client.get(LOGIN).content.decode()

    assert "Sign in with Google" in page
    assert "Sign in with Microsoft" not in page
    for name in ("microsoft", "apple"):
        assert client.post(reverse("identity_sign_in", args=[name])).status_code == 404
    for address in ("microsoft/login", "microsoft/sign-in"):
        assert client.get(f"/accounts/{address}/callback/").status_code == 404


# --- the second step -----------------------------------------------------------------------------


def set_up(client: Client, clock) -> str:
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    key = re.search(r'id="authenticator-key">([A-Z2-7]+)<', page)[1]
    client.post(reverse("mfa_activate_totp"), {"code": code(key, clock.now)})
    clock.pass_on()
    return key


def test_the_second_step_is_asked_for_all_the_same(desk, stranger, clock):
    desk.link()
    key = set_up(desk.client, clock)

    response = stranger.sign_in(next="/admin/bookings/booking/")
    assert response.url == reverse("mfa_authenticate")
    assert not is_signed_in(stranger)

    response = stranger.client.post(response.url, {"code": code(key, clock.now)})
    assert response.url == "/admin/bookings/booking/"
    assert is_signed_in(stranger)


def test_a_required_second_step_is_set_up_first(desk, stranger, settings):
    desk.link()
    settings.REQUIRE_MFA = True

    page = stranger.client.get(stranger.sign_in().url, follow=True)

    assert not is_signed_in(stranger)
    assert page.redirect_chain[-1][0].startswith("/accounts/reauthenticate/")


def test_a_link_is_not_made_before_a_required_second_step(desk, settings, provider):
    back = desk.decide(desk.go(reverse("identity_link", args=[provider])))
    settings.REQUIRE_MFA = True

    assert desk.client.get(back).url == DESK
    assert links() == []


# --- unlinking -----------------------------------------------------------------------------------


def unlink(browser: Browser, row: SocialAccount) -> str:
    """What the page says afterwards."""
    response = browser.client.post(reverse("identity_unlink", args=[row.pk]), follow=True)
    return response.content.decode()


def test_an_unlinked_account_lets_nobody_in(desk, stranger):
    desk.link()

    page = unlink(desk, SocialAccount.objects.get())

    assert "That account lets you in no more." in page
    assert links() == []
    assert "lets nobody in here" in shown(stranger.sign_in())


def test_the_only_way_in_stays(desk, stranger, far, consultant):
    desk.link()
    consultant.set_unusable_password()
    consultant.save()
    desk = Browser(stranger.client, stranger.provider, far)
    desk.sign_in()

    page = unlink(desk, SocialAccount.objects.get())

    assert "You could not sign in any more." in page
    assert [user for user, _ in links()] == [consultant]


def test_with_another_link_there_is_another_way_in(desk, stranger, far, consultant):
    desk.link()
    desk.consent.account = far.account(BEN)
    desk.link()
    consultant.set_unusable_password()
    consultant.save()
    first, second = SocialAccount.objects.order_by("pk")

    identities.unlink(consultant, first.pk)
    with pytest.raises(identities.OnlyWayIn):
        identities.unlink(consultant, second.pk)

    assert stranger.sign_in().url == DESK


def test_a_link_whose_provider_is_not_configured_is_no_way_in(desk, settings, consultant, provider):
    desk.link()
    other = {"google": "microsoft_sign_in", "microsoft": "google_sign_in"}[provider]
    SocialAccount.objects.create(
        user=consultant, provider=other, uid="1", extra_data={"email": ANNA}
    )
    consultant.set_unusable_password()
    consultant.save()

    with pytest.raises(identities.OnlyWayIn):
        identities.unlink(consultant, SocialAccount.objects.exclude(provider=other).get().pk)


def test_what_is_anothers_is_not_unlinked(desk, provider, far):
    desk.link()
    other = Browser(signed_in(consultant_with_password(BEN)), provider, far)

    response = other.client.post(reverse("identity_unlink", args=[SocialAccount.objects.get().pk]))

    assert response.status_code == 404
    assert len(links()) == 1


# --- what is kept --------------------------------------------------------------------------------


def test_of_the_account_its_id_and_address_are_kept_alone(desk, provider):
    desk.link()

    row = SocialAccount.objects.get()
    assert (row.provider, row.extra_data) == (OFFERS[provider].sign_in, {"email": ANNA})
    assert not SocialToken.objects.exists()
    assert not EmailAddress.objects.exists()
