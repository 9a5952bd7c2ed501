"""Repair alone: what is clean comes back as it is, what is not becomes well-formed and means the same."""

from __future__ import annotations

from xml.parsers import expat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indigevent.protocol import repair
from tests.wire.corpus import flat, parse

EXAMPLES = settings(max_examples=300, derandomize=True, deadline=None, database=None)
CLEAN = [
    b"",
    b"On",
    b"\n  1.5\r\n\t",
    b"a > b",
    b"&amp;&lt;&gt;&quot;&apos;",
    b"&#65;&#x10ffff;&#9;",
    "°☂🔭".encode(),
    b"]] >",
]
pieces = st.sampled_from(
    [b"&", b"&#", b"&#x", b";", b"]]>", b"]", b">", b"<", b"'", b'"', b"\0", b"\xb0", b"\xc3", b"\xa9"]
)
anything = st.lists(pieces | st.binary(max_size=4) | st.text(max_size=3).map(str.encode), max_size=8).map(b"".join)


@pytest.mark.parametrize("raw", CLEAN)
def test_clean_text_is_returned_as_it_is(raw: bytes) -> None:
    assert repair.text(raw) == raw


@pytest.mark.parametrize("quote", [b"'", b'"'])
@pytest.mark.parametrize("raw", CLEAN)
def test_a_clean_value_keeps_its_quotes(raw: bytes, quote: bytes) -> None:
    assert repair.attribute(raw, quote) == quote + raw + quote


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (b"a & b", b"a &amp; b"),
        (b"&", b"&amp;"),
        (b"&&amp;&", b"&amp;&amp;&amp;"),
        (b"&deg;", b"&amp;deg;"),
        (b"&#0;&#x1f;&#xd800;&#xffff;", b"&amp;#0;&amp;#x1f;&amp;#xd800;&amp;#xffff;"),
        (b"&#1114112;&#x110000;&#99999999999;", b"&amp;#1114112;&amp;#x110000;&amp;#99999999999;"),
        (b"&#xD7FF;&#xE000;&#xFFFD;&#1114111;", b"&#xD7FF;&#xE000;&#xFFFD;&#1114111;"),
        (b"&#0000000000065;", b"&#0000000000065;"),
        ("&#\u0663;".encode(), "&amp;#\u0663;".encode()),
        (b"a]]>b", b"a]]&gt;b"),
        (b"]\0]\0>", b"]]&gt;"),
        (b"\0\x01\x08\x0b\x0c\x0e\x1f\x7f", b"\x7f"),
        (b"\xef\xbf\xbe\xef\xbf\xbf", b""),
        (b"20\xb0C", "20°C".encode()),
        (b"\xc3\xa9\xb0", "Ã©°".encode()),
        (b"\xed\xa0\x80", "\u00ed\u00a0\u0080".encode()),
        (b"\xef\xbf\0\xbe", "\u00ef\u00bf\u00be".encode()),
    ],
)
def test_text(raw: bytes, mended: bytes) -> None:
    assert repair.text(raw) == mended


@pytest.mark.parametrize(
    ("raw", "quote", "mended"),
    [
        (b"a < b", b'"', b'"a &lt; b"'),
        (b"a < b", b"'", b'"a &lt; b"'),
        (b'"<"', b"'", b'"&quot;&lt;&quot;"'),
        (b"it's <", b'"', b'"it\'s &lt;"'),
        (b'say "&"', b"'", b'"say &quot;&amp;&quot;"'),
        (b"]]>", b"'", b"']]>'"),
        (b"a\nb\tc\r", b"'", b"'a\nb\tc\r'"),
        (b"\xb0", b"'", '"°"'.encode()),
    ],
)
def test_values(raw: bytes, quote: bytes, mended: bytes) -> None:
    assert repair.attribute(raw, quote) == mended


def test_cdata_becomes_text() -> None:
    assert repair.cdata(b"a<b & &lt; \0 \xb0") == "a&lt;b &amp; &amp;lt;  °".encode()


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b"", ""),
        (b"a &amp; &lt;b&gt; &quot;&apos;", "a & <b> \"'"),
        (b"&#65;&#x42;&#x1F52d;", "AB🔭"),
        (b"&#" + b"0" * 5000 + b"65;", "A"),
        (b"&amp;amp; &amp;#65;", "&amp; &#65;"),
    ],
)
def test_unescape(raw: bytes, meant: str) -> None:
    assert repair.unescape(raw) == meant


@EXAMPLES
@given(anything)
def test_mended_text_is_well_formed_and_mending_it_again_changes_nothing(raw: bytes) -> None:
    mended = repair.text(raw.replace(b"<", b""))
    document = parse(b"<a>" + mended + b"</a>")
    assert repair.text(mended) == mended
    assert flat(document.text) == flat(repair.unescape(mended))


@EXAMPLES
@given(anything, st.sampled_from([b"'", b'"']))
def test_a_mended_value_is_well_formed_and_means_what_unescape_says(raw: bytes, quote: bytes) -> None:
    mended = repair.attribute(raw.replace(quote, b""), quote)
    document = parse(b"<a b=" + mended + b"/>")
    assert flat(document.attributes["b"]) == flat(repair.unescape(mended[1:-1]))


@EXAMPLES
@given(anything)
def test_what_expat_accepts_is_clean(raw: bytes) -> None:
    """Nothing is repaired without need."""
    try:
        parse(b"<a>" + raw + b"</a>")
    except expat.ExpatError:
        return
    if b"<" not in raw:
        assert repair.text(raw) == raw


@EXAMPLES
@given(anything)
def test_cdata_is_well_formed_text(raw: bytes) -> None:
    parse(b"<a>" + repair.cdata(raw) + b"</a>")
