"""What people meet in the console: signing in, forms, every page, and hostile content."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.integration.http_shop import NOON, Shop, open_shop, order

from assay.core.time import DAY, HOUR
from assay.runtime.identity import Role

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}{%x%}</title>"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


class Browser:
    """Keeps cookies and sends forms like a browser without scripts."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.cookies = shop, dict[str, str]()

    def open(self, path: str, **given: Any) -> httpx.Response:
        """GET a page."""
        return self._sent("GET", path, **given)

    def send(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """POST a form."""
        return self._sent("POST", path, data=fields)

    def sign_in(self, role: str, *, token: str | None = None) -> httpx.Response:
        """Sign in with a role's token, or another one."""
        form = self.open("/console/login").text
        fields = {"token": token or self.shop.tokens[role], "csrf": csrf_of(form), "next": ""}
        return self.send("/console/login", fields)

    def _sent(self, method: str, path: str, **given: Any) -> httpx.Response:
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.shop.call(method, path, role=None, headers={"cookie": header}, **given)
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


@pytest.fixture
def reviewer(shop: Shop) -> Browser:
    browser = Browser(shop)
    assert browser.sign_in("reviewer").status_code == 303
    return browser


def test_the_address_of_the_server_leads_to_the_console_and_that_to_signing_in(shop: Shop) -> None:
    browser = Browser(shop)
    assert browser.open("/").headers["location"] == "/console"
    answer = browser.open("/console/queue")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/console/login?next=/console/queue",
    )


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(shop: Shop) -> None:
    answer = Browser(shop).sign_in("reviewer")
    cookie = answer.headers["set-cookie"]
    assert answer.headers["location"] == "/console"
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert shop.tokens["reviewer"] not in cookie


def test_over_tls_the_cookie_is_sent_over_tls_only() -> None:
    from assay.app.settings import ServerSettings

    with open_shop(server=ServerSettings(access_log=False, behind_tls=True)) as shop:
        answer = Browser(shop).sign_in("reviewer")
        assert "; Secure" in answer.headers["set-cookie"]
        assert answer.headers["set-cookie"].startswith("__Host-")
        assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("token", ["nonsense", "", "assay_000000000000_" + "A" * 43])
def test_a_wrong_token_does_not_sign_in(shop: Shop, token: str) -> None:
    browser = Browser(shop)
    answer = browser.sign_in("reviewer", token=token or " ")
    assert answer.status_code == 401
    assert "not known" in answer.text
    assert browser.open("/console").status_code == 303


def test_a_services_token_does_not_open_the_console(shop: Shop) -> None:
    answer = Browser(shop).sign_in("service")
    assert answer.status_code == 401
    assert "one of a person" in answer.text


def test_signing_in_is_throttled(shop: Shop) -> None:
    browser = Browser(shop)
    for _ in range(10):
        assert browser.sign_in("reviewer", token="wrong").status_code == 401
    answer = browser.sign_in("reviewer")
    assert answer.status_code == 429
    assert "wait" in answer.text


def test_a_sign_in_form_from_elsewhere_is_refused(shop: Shop) -> None:
    browser = Browser(shop)
    fields = {"token": shop.tokens["reviewer"], "csrf": "0" * 64, "next": ""}
    assert browser.send("/console/login", fields).status_code == 403


def test_after_signing_in_people_are_never_sent_to_another_site(shop: Shop) -> None:
    browser = Browser(shop)
    form = csrf_of(browser.open("/console/login?next=//evil.example/console/").text)
    fields = {"token": shop.tokens["reviewer"], "csrf": form, "next": "https://evil.example"}
    assert browser.send("/console/login", fields).headers["location"] == "/console"


def test_signing_out_ends_the_session(reviewer: Browser) -> None:
    form = csrf_of(reviewer.open("/console").text)
    kept = dict(reviewer.cookies)
    assert reviewer.send("/console/logout", {"csrf": form}).status_code == 303
    reviewer.cookies = kept
    assert reviewer.open("/console").status_code == 303


def test_a_revoked_token_ends_its_session_at_once(shop: Shop, reviewer: Browser) -> None:
    assert reviewer.open("/console").status_code == 200
    shop.identity.revoke(shop.tokens["reviewer"].split("_")[1], shop.platform.clock.wall())
    assert reviewer.open("/console").status_code == 303


def test_every_page_answers_before_anything_has_happened(shop: Shop) -> None:
    browser = Browser(shop)
    browser.sign_in("auditor")
    for path in ("", "/decisions", "/queue", "/models", "/audit"):
        answer = browser.open("/console" + path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith("text/html")


def test_every_page_is_whole_html_with_a_title_a_main_part_and_no_script(
    shop: Shop, reviewer: Browser
) -> None:
    made = fill(shop)
    for path in ("", "/decisions", f"/decisions/{made[0]}", "/queue", "/models"):
        page = reviewer.open("/console" + path).text
        assert page.startswith("<!doctype html>")
        assert '<html lang="en">' in page
        assert '<main id="main">' in page
        assert "<script" not in page
        assert "style=" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert "https://" not in page


def test_the_pages_forbid_scripts_and_foreign_content(reviewer: Browser) -> None:
    policy = reviewer.open("/console").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_hostile_message_is_shown_and_does_nothing(shop: Shop, reviewer: Browser) -> None:
    body = shop.decide(
        order(1, amount=2_000_00, message=HOSTILE, user_id="<b>u</b>", guest_name=HOSTILE[:60])
    ).json()
    (case,) = shop.platform.desk.waiting(1)
    pages = ("", "/decisions", f"/decisions/{body['id']}", "/queue", f"/cases/{case.id}")
    for path in pages:
        page = reviewer.open("/console" + path).text
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>u</b>" not in page
        assert "49" not in re.findall(r"message</dt><dd[^>]*>(.*?)</dd>", page)
    assert "&lt;script&gt;" in reviewer.open(f"/console/cases/{case.id}").text


def test_a_secret_field_is_not_shown(shop: Shop, reviewer: Browser) -> None:
    body = shop.decide(order(1, card_number="4000123412341234")).json()
    page = reviewer.open(f"/console/decisions/{body['id']}").text
    assert "4000123412341234" not in page
    assert "hidden" in page


def test_hostile_addresses_are_answered_without_an_echo_of_markup(reviewer: Browser) -> None:
    for path in (
        "/console/decisions/<script>alert(1)</script>",
        "/console/decisions?outcome=<script>",
        "/console/decisions?low=nan",
        "/console/decisions?low=<i>",
        "/console/decisions?day=2026-13-99",
        "/console/decisions?skip=-1",
        "/console/queue?done=<script>x</script>",
        "/console/models/<script>",
        "/console/cases/none",
        "/console/static/../settings",
        "/console/static/none.css",
        "/console/nothing",
    ):
        answer = reviewer.open(path)
        assert answer.status_code in (200, 400, 404, 422), path
        assert "<script" not in answer.text
        assert "<i>" not in answer.text


def fill(shop: Shop) -> list[str]:
    """A few decisions of each kind."""
    made = [shop.decide(order(n, ts=NOON + n * HOUR)).json() for n in range(3)]
    made.append(shop.decide(order(10, ts=NOON + DAY, amount=2_000_00, user_id="u-9")).json())
    made.append(shop.decide(order(11, ts=NOON + DAY, guest_name="Ivan Bad")).json())
    return [body["id"] for body in made]


def test_the_overview_counts_and_draws_what_was_decided(shop: Shop, reviewer: Browser) -> None:
    fill(shop)
    page = reviewer.open("/console").text
    assert "<b>5</b><span>decisions</span>" in page
    assert "<b>2</b><span>cases waiting</span>" in page
    assert '<rect class="approve"' in page
    assert "rules only" in page


def test_decisions_can_be_narrowed_and_paged(shop: Shop, reviewer: Browser) -> None:
    made = fill(shop)
    held = reviewer.open("/console/decisions?outcome=hold").text
    assert made[4] in held
    assert made[0] not in held
    assert "1 match" in held
    first_day = reviewer.open("/console/decisions?day=2026-01-01").text
    assert made[0] in first_day
    assert made[3] not in first_day
    for n in range(60):
        shop.decide(order(100 + n, ts=NOON + DAY, user_id=f"u-{n}"))
    page = reviewer.open("/console/decisions?outcome=approve").text
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older
    assert "outcome=approve" in older[1]
    rest = reviewer.open(older[1].replace("&amp;", "&")).text
    assert made[0] in rest
    assert 'rel="prev"' in rest


def test_one_decision_shows_all_it_was_made_from(shop: Shop, reviewer: Browser) -> None:
    made = fill(shop)
    page = reviewer.open(f"/console/decisions/{made[3]}").text
    record = shop.log.decision(made[3])
    assert record is not None
    for text in (record.policy, record.receipt.vector, record.receipt.catalog, "orders_1d"):
        assert text in page
    assert "2000.00 EUR" in page
    assert "amount &gt; 100000" in page
    assert "The amount is above the limit" in page
    assert "/console/cases/case_" in page


def test_a_verdict_closes_the_case_and_says_so(shop: Shop, reviewer: Browser) -> None:
    fill(shop)
    page = reviewer.open("/console/queue").text
    (case, *_) = re.findall(r'action="/console/cases/([^/]+)/verdict"', page)
    answer = reviewer.send(
        f"/console/cases/{case}/verdict", {"csrf": csrf_of(page), "fraud": "yes"}
    )
    assert answer.headers["location"] == f"/console/queue?done={case}"
    assert f"Case {case} is closed" in reviewer.open(answer.headers["location"]).text
    closed = reviewer.open(f"/console/cases/{case}").text
    assert "by reviewer-1" in closed
    assert shop.platform.desk.get(case).verdict is True


def test_a_case_can_be_taken_and_put_back(shop: Shop, reviewer: Browser) -> None:
    fill(shop)
    case = shop.platform.desk.waiting(1)[0].id
    form = csrf_of(reviewer.open(f"/console/cases/{case}").text)
    reviewer.send(f"/console/cases/{case}/assign", {"csrf": form})
    assert "in the hands of reviewer-1" in reviewer.open(f"/console/cases/{case}").text
    reviewer.send(f"/console/cases/{case}/release", {"csrf": form})
    assert "in the hands of" not in reviewer.open(f"/console/cases/{case}").text


@pytest.mark.parametrize(
    "fields",
    [
        {"fraud": "yes"},
        {"fraud": "yes", "csrf": ""},
        {"fraud": "yes", "csrf": "0" * 64},
    ],
)
def test_a_form_without_the_sessions_token_changes_nothing(
    shop: Shop, reviewer: Browser, fields: dict[str, str]
) -> None:
    fill(shop)
    case = shop.platform.desk.waiting(1)[0].id
    answer = reviewer.send(f"/console/cases/{case}/verdict", fields)
    assert answer.status_code == 403
    assert "form" in answer.text
    assert shop.platform.desk.get(case).status == "open"


def test_the_token_of_another_session_is_no_use(shop: Shop, reviewer: Browser) -> None:
    fill(shop)
    other = Browser(shop)
    other.sign_in("auditor")
    case = shop.platform.desk.waiting(1)[0].id
    fields = {"csrf": csrf_of(other.open("/console").text), "fraud": "yes"}
    assert reviewer.send(f"/console/cases/{case}/verdict", fields).status_code == 403


@pytest.mark.parametrize("said", ["", "maybe", "1"])
def test_a_verdict_is_yes_or_no(shop: Shop, reviewer: Browser, said: str) -> None:
    fill(shop)
    case = shop.platform.desk.waiting(1)[0].id
    form = csrf_of(reviewer.open("/console").text)
    answer = reviewer.send(f"/console/cases/{case}/verdict", {"csrf": form, "fraud": said})
    assert answer.status_code == 422


def test_only_reviewers_see_and_press_the_verdict_buttons(shop: Shop) -> None:
    fill(shop)
    browser = Browser(shop)
    browser.sign_in("auditor")
    assert "/verdict" not in browser.open("/console/queue").text
    case = shop.platform.desk.waiting(1)[0].id
    form = csrf_of(browser.open("/console").text)
    answer = browser.send(f"/console/cases/{case}/verdict", {"csrf": form, "fraud": "yes"})
    assert answer.status_code == 403
    assert "reviewer" in answer.text


def test_each_page_takes_exactly_the_roles_of_its_table(shop: Shop) -> None:
    from assay.console.access import console_access

    browsers = {role: Browser(shop) for role in Role if role is not Role.SERVICE}
    for role, browser in browsers.items():
        browser.sign_in(role.value)
    for grant in console_access(1000):
        if grant.roles is None:
            continue
        path = grant.path.replace("{", "").replace("}", "")
        for role, browser in browsers.items():
            if grant.method == "GET":
                refused = browser.open(path).status_code == 403
            else:
                if path.endswith("logout"):
                    continue
                refused = "one of the roles" in browser.send(path, {"csrf": "x"}).text
            assert refused == (role not in grant.roles), (path, role)


def test_the_audit_page_shows_entries_and_whether_they_verify(shop: Shop) -> None:
    browser = Browser(shop)
    browser.sign_in("auditor")
    from assay.runtime.identity import Identity

    actor = Identity("ops", "human", frozenset({Role.ADMIN}), "", 0)
    for n in range(120):
        shop.platform.governance.note(actor, "list changed", f"list/{n}", {"row_count": n})
    page = browser.open("/console/audit").text
    assert "all 120 entries hold together" in page
    assert "list/119" in page
    older = browser.open("/console/audit?before=21").text
    assert "list/19" in older
    assert "list/20" not in older


def test_an_api_token_in_a_header_does_not_open_pages(shop: Shop) -> None:
    assert shop.call("GET", "/console", role="reviewer").status_code == 303


def test_a_session_cookie_does_not_open_the_api(shop: Shop, reviewer: Browser) -> None:
    assert reviewer.open("/v1/cases").status_code == 401


def test_the_style_sheet_needs_no_session(shop: Shop) -> None:
    answer = Browser(shop).open("/console/static/console.css")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
