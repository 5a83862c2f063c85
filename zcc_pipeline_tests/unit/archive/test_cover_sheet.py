"""The cover sheet shows what it is given as text, whatever it is given."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.archive.cover_sheet import Sheet, SheetFile, render
from zcc_pipeline.domain.transcript import Turn

TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code", "table", "tr", "th", "td", "br",
}  # fmt: skip
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</td></table><iframe src='//x'>",
            "</title><base href=//x>",
            "</style><script>",
            "&lt;b&gt;&#60;i&#62;",
            "<!-- -->",
            "]]>",
            "\ud800",
        ]
    ),
)


class Seen(HTMLParser):
    """Tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs))))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def sheet(word: str) -> Sheet:
    return Sheet(
        object_id=word,
        facts=[(word, word)],
        timeline=[(word, word)],
        notes=[(word, word)],
        dispositions=[word],
        transcripts={word: [Turn(1, word, 3.0, None, word)]},
        deleted=[word],
        files=[SheetFile(word, 1, word, word)],
    )


def seen(page: bytes) -> Seen:
    parser = Seen()
    parser.feed(page.decode())
    parser.close()
    return parser


@given(HOSTILE)
def test_no_markup_from_the_data_survives(word: str) -> None:
    found, harmless = seen(render(sheet(word))), seen(render(sheet("x")))
    assert {tag for tag, _ in found.tags} <= TAGS
    if word:
        assert found.tags == harmless.tags, "what is shown decides nothing about the page"


def test_everything_is_there_to_read_and_nothing_is_fetched() -> None:
    page = render(sheet('Grüße & <b>"fett"</b>')).decode()
    assert "Grüße &amp; &lt;b&gt;" in page
    assert "".join(seen(page.encode()).text).count('Grüße & <b>"fett"</b>') >= 10
    assert "http://" not in page
    assert "src=" not in page
    assert "<script" not in page


def test_the_same_sheet_gives_the_same_bytes() -> None:
    assert render(sheet("x")) == render(sheet("x"))
