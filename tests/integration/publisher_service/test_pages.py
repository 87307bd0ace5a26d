"""The pages for developers come from here alone, need no token, and may load nothing from elsewhere."""

import re

from publisher_service.http_routes import WEB
from tests.fakes.services import running_publisher

PAGES = ("/docs", "/playground")
FOLDER = WEB / "playground"


async def test_the_pages_and_all_that_they_load_are_served_without_a_token_under_a_strict_policy(
    redis_url: str, redis_prefix: str
) -> None:
    async with running_publisher(redis_url, redis_prefix, JWT_SECRET="s" * 32) as publisher:
        pages = {path: await publisher.get(path) for path in PAGES}
        loaded = {
            address: (await publisher.get(address)).status_code
            for page in pages.values()
            for address in re.findall(r'(?:src|href)="(/(?:web|openapi|asyncapi)[^"]+)"', page.text)
        }
        described = (await publisher.get("/asyncapi.json")).json()

    assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(PAGES, 200)
    for page in pages.values():
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(
            policy
        )
        assert "unsafe" not in page.headers["content-security-policy"]
        assert re.search(r"<style|<script>|\son\w+=", page.text) is None, "what the policy would not run"
    assert len(loaded) >= 5
    assert set(loaded.values()) == {200}
    assert all("security" in server for server in described["servers"].values())


def test_no_file_of_the_pages_names_another_place() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert len(texts) >= 6
    assert [name for name, text in texts.items() if re.search(r"https?://[\w.]|@import|innerHTML", text)] == []
