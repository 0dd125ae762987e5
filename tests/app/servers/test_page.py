"""The app is locked as a local tool should be, and still works."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from f2f_viz.app.servers import libraries
from tests.app.page import settle

pytestmark = pytest.mark.server

PORT = re.compile(r":(\d+)/")


def port(server):
    return PORT.search(server.url)[1]


@pytest.mark.parametrize("path", ["/", "/lab/index.css", "/api/kernels/a-b-c-d-e", "/none"])
@pytest.mark.parametrize("host", ["evil.invalid", "localhost.evil.invalid", "127.0.0.1.evil.invalid", "10.0.0.1", "127x0x0x1"])  # fmt: skip
def test_other_hosts_are_refused(app_server, path, host):
    cookie = app_server.cookie()
    status, _, text = app_server.ask(path, Host=f"{host}:{port(app_server)}", Cookie=cookie)
    assert status == 403
    assert "localhost only" in text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_our_own_hosts_are_answered(app_server, host):
    assert app_server.ask("/lab/index.css", Host=f"{host}:{port(app_server)}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/logout", "/login", "/none", "/voila/files/x", "/voila/render/x"]
)
def test_what_is_not_there_is_404(app_server, path):
    assert app_server.ask(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_methods_that_nobody_uses_are_refused(app_server, method):
    assert app_server.ask("/", method)[0] in (403, 405)


@pytest.mark.parametrize(
    "path",
    ["/lab/../../../__init__.py", "/lab/%2e%2e/conf.json", "/voila/static/..%2f..%2fconf.json",
     "/lab//etc/passwd", "/lab/%00"],
)  # fmt: skip
def test_libraries_are_all_that_is_served(app_server, path):
    assert app_server.ask(path)[0] in (400, 403, 404)


def test_libraries_are_their_packages_own():
    for address, folder in libraries.folders().items():
        assert any(folder.iterdir()), address
    assert [e["name"] for e in libraries.extensions()] == list(libraries._EXTENSIONS)


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/?token=a&token=b", "/none", "/lab/index.css", "/api/kernels/a-b-c-d-e"])  # fmt: skip
def test_every_answer_has_the_headers(app_server, path):
    status, headers, text = app_server.ask(path)
    assert status != 500
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Access-Control-Allow-Origin"] is None
    if path.startswith("/?") or path == "/":
        assert status == 403
        assert "The token is missing" in text


def test_errors_repeat_nothing_unescaped(app_server):
    status, _, text = app_server.ask("/api/<script>alert(1)</script>")
    assert status == 404
    assert "<script>" not in text


def test_the_token_becomes_a_cookie(app_server):
    token = app_server.url.partition("?token=")[2]
    status, headers, _ = app_server.ask(f"/?rate=0.5&token={token}&layer=%26x&empty=")
    assert status == 302
    assert headers["Location"] == "/?rate=0.5&layer=%26x&empty="
    cookie = headers["Set-Cookie"]
    assert f"-{port(app_server)}=" in cookie  # each server's cookie has its own name
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "expires" not in cookie
    assert token not in cookie
    assert app_server.ask("/", Cookie=cookie.replace("2|", "3|"))[0] == 403


def test_a_theme_is_one_of_ours(app_server):
    _, _, text = app_server.ask('/?theme="><script>x', Cookie=app_server.cookie())
    assert "theme-light" in text
    assert "<script>x" not in text


@pytest.mark.browser
def test_the_address_loses_its_token_and_a_reload_works(app_server, open_page):
    page = open_page(f"{app_server.url}&rate=0.75")
    settle(page)
    address = app_server.url.split("?")[0] + "?rate=0.75"
    assert page.url == address
    assert page.evaluate("document.referrer") == ""
    asked = []
    page.on("request", lambda request: asked.append(request))
    page.reload()
    settle(page)
    assert page.url == address
    assert len(asked) > 50
    assert [request.url for request in asked if request.all_headers().get("referer")] == []
    assert not any("token" in request.url for request in asked)
    second = page.context.new_page()
    second.goto(address)
    settle(second)
    expect(second.locator("[data-key=sparsity]").first).to_have_text("75.00%")


@pytest.mark.browser
def test_a_page_without_the_token_says_what_is_missing(app_server, browser):
    page = browser.new_page()
    page.goto(app_server.url.split("?")[0])
    expect(page.get_by_text("The token is missing")).to_be_visible()
    expect(page.locator(".f2f-app")).to_have_count(0)
    page.context.close()


@pytest.mark.browser
def test_the_policy_holds_and_widgets_work(app_server, browser):
    """Blocked things complain on the console, so this page is one that may."""
    context = browser.new_context()
    page = context.new_page()
    said = []
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    answer = page.goto(app_server.url)
    policy = answer.headers["content-security-policy"]
    script = re.search(r"script-src 'self' 'nonce-([\w-]{16,})' blob: 'wasm-unsafe-eval';", policy)
    assert script
    settle(page)
    for tab in page.get_by_role("tab").all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Mask").click()
    expect(page.locator(".f2f-figure-mask canvas").first).to_be_visible()
    page.get_by_role("radio", name="0", exact=True).check()
    settle(page)
    assert said == []

    blocked = page.evaluate("""async () => {
        const blocked = {};
        const wait = (name, run) => new Promise((resolve) => {
            const heard = (event) => { blocked[name] = event.effectiveDirective; resolve(); };
            document.addEventListener("securitypolicyviolation", heard, { once: true });
            setTimeout(resolve, 5000);
            run();
        });
        const add = (tag, properties) =>
            document.body.append(Object.assign(document.createElement(tag), properties));
        await wait("inline", () => add("script", { textContent: "window.ran = 1" }));
        await wait("outside script", () => add("script", { src: "https://evil.invalid/x.js" }));
        await wait("image", () => add("img", { src: "https://evil.invalid/x.png" }));
        await wait("fetch", () => fetch("https://evil.invalid/").catch(() => {}));
        await wait("frame", () => add("iframe", { src: "https://evil.invalid/" }));
        await wait("form", () => {
            const form = Object.assign(document.createElement("form"), { action: "https://evil.invalid/" });
            document.body.append(form);
            form.submit();
        });
        await wait("attribute", () => { document.body.setAttribute("onclick", "window.ran = 1");
                                        document.body.click(); });
        await wait("base", () => add("base", { href: "https://evil.invalid/" }));
        return [blocked, window.ran];
    }""")
    assert blocked == [
        {
            "inline": "script-src-elem", "outside script": "script-src-elem", "image": "img-src",
            "fetch": "connect-src", "frame": "frame-src", "form": "form-action",
            "attribute": "script-src-attr", "base": "base-uri",
        },
        None,
    ]  # fmt: skip
    works = page.evaluate("""async () => {
        const module = URL.createObjectURL(new Blob(["export default 7"], { type: "text/javascript" }));
        const work = URL.createObjectURL(new Blob(["postMessage(8)"], { type: "text/javascript" }));
        const worker = new Worker(work);
        return [
            (await import(module)).default,
            await new Promise((resolve) => { worker.onmessage = (event) => resolve(event.data); }),
            WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
            (await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))) instanceof WebAssembly.Module,
        ];
    }""")
    assert works == [7, 8, True, True]
    context.close()


@pytest.mark.browser
def test_an_address_opens_no_file_that_was_not_opened_here(app_server, open_page, tmp_path):
    np.save(tmp_path / "w.npy", np.ones((8, 16), np.float32))
    path = str(tmp_path / "w.npy")
    page = open_page(f"{app_server.url}&path={path}&rate=0.5")
    settle(page)  # on the sample
    expect(page.locator(".f2f-field-path .f2f-error")).to_contain_text("was not opened here before")
    expect(page.locator(".f2f-layer")).not_to_contain_text("8 × 16")
    page.get_by_label("Path on this machine").fill(path)
    page.get_by_label("Path on this machine").press("Enter")
    expect(page.locator(".f2f-layer")).to_contain_text("8 × 16")
    settle(page)
    page.reload()
    settle(page)
    expect(page.locator(".f2f-layer")).to_contain_text("8 × 16")
