"""Tags, attributes, scripts and comments of HTML and XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from charrnn.inspection.parsing.measures import as_spans, inside, named, replaced
from charrnn.inspection.parsing.tokens import C as CODE
from charrnn.inspection.parsing.tokens import Token, alternatives, scan

NAME = r"[A-Za-z_][\w:.-]*"
HTML: Final = alternatives(
    r"<!--.*?-->|<!--(.*)\Z",
    # With attributes; or, if their quotes do not fit, as far as the next bracket.
    rf"<{NAME}(?=[\s/>])[^\"'<>]*(?:(?:\"[^\"<]*\"|'[^'<]*')[^\"'<>]*)*>",
    rf"</?{NAME}(?=[\s/>])[^<>]*>|</?{NAME}([^<>]*)\Z",
    r"<[!?][^<>]*>",
)
#: What an attribute is set to; NUL is between tags.
VALUE: Final = re.compile(r"""=\s*("[^"<\0]*(?:"|\Z)|'[^'<\0]*(?:'|\Z)|[^\s"'<>=`\0]+)""")
#: The rest of one that a text begins inside of.
VALUE_END: Final = re.compile(r"""[^"'<>\0]*(?<!=)(["'])(?=[\s/\0])""")
TAG_NAME: Final = re.compile(rf"</?{NAME}")
#: Elements whose content is code.
SCRIPT: Final = re.compile(r"<(?:script|style)\b", re.IGNORECASE)
SCRIPT_END: Final = re.compile(r"</(script|style)\s*>", re.IGNORECASE)
#: Elements that do not interrupt a sentence.
INLINE: Final = named(
    "a abbr b bdi bdo cite code del dfn em font i img ins kbd mark q s samp small span strike "
    "strong sub sup time tt u var wbr"
)
#: Elements without an end.
VOID: Final = named("area base br col embed hr img input link meta param source track wbr")
#: Elements that end where the next of them begins, if they have not ended before.
ENDING: Final = named("p li dt dd tr td th option")


def lex_html(text: str) -> tuple[list[Token], list[tuple[int, int]]]:
    """Comments, tags, and the strings and comments of scripts; and the spans of scripts."""
    tokens: list[Token] = []
    scripts: list[tuple[int, int]] = []
    end = SCRIPT_END.search(text)
    begins_in_script = end and not SCRIPT.search(text, 0, end.start())
    until, start = (end[1].lower(), 0) if end and begins_in_script else ("", 0)
    begun = [] if until else beginning(text)
    for token in [*begun, *scan(HTML, text, begun[0].stop if begun else 0)]:
        name = tag_name(token, text)
        if until and name != "/" + until:
            continue  # what looks like a tag in a script is none
        if until:
            scripts.append((start, token.start))
            until = ""
        tokens.append(token)
        if name in ("script", "style") and not text.endswith("/>", 0, token.stop):
            until, start = name, token.stop
    if until:
        scripts.append((start, len(text)))
    for start, stop in scripts:
        tokens += scan(CODE, text, start, stop)
    return tokens, scripts


def beginning(text: str) -> list[Token]:
    """The comment or the tag that a text begins inside of, if it does."""
    end = text.find("-->")
    if end >= 0 and "<!--" not in text[:end]:
        return [Token(0, end + 3, "<!--", begun=True)]
    end = text.find(">")
    if end >= 0 and "<" not in text[:end]:
        return [Token(0, end + 1, "<", begun=True)]
    return []


def tag_name(token: Token, text: str) -> str:
    """The name of a tag in lower case, with a slash before it if it ends an element."""
    if token.mark != "<" or token.begun:
        return ""
    name = TAG_NAME.match(text, token.start)
    return name[0][1:].lower() if name else ""


def attribute_values(text: str, tokens: list[Token]) -> list[Token]:
    """What attributes are set to, in quotes or without; the text may begin or end in one."""
    tags = as_spans([token.inside for token in tokens if token.mark == "<"])
    view = replaced(text, inside(tags, len(text)), "\0")
    begun = VALUE_END.match(view)
    values = [Token(0, begun.end(), begun[1], begun=True)] if begun else []
    for match in VALUE.finditer(view, begun.end() if begun else 0):
        start, stop = match.span(1)
        mark = text[start] if text[start] in "\"'" else "="
        values.append(Token(start, stop, mark, closed=text.endswith(mark, start + 1, stop)))
    return values


def elements(text: str, tokens: Iterable[Token]) -> list[tuple[int, int]]:
    """The spans of elements: after the tag that begins it, and up to the end of its last tag.

    An element without an end ends with the one that it is in, or with the next of its kind where
    that is the rule; others without an end, or with nothing but an end, count for nothing, but at
    the end of the text.
    """
    found: list[tuple[int, int]] = []
    unclosed: list[tuple[str, int]] = []
    count: Counter[str] = Counter()
    for token in tokens:
        name = tag_name(token, text)
        if not name or name in VOID or not token.closed:
            continue
        last = token.stop - 1
        if name[0] != "/":
            if unclosed and unclosed[-1][0] == name in ENDING:
                found.append((unclosed.pop()[1], last))
                count[name] -= 1
            if not text.endswith("/>", 0, token.stop):
                unclosed.append((name, last))
                count[name] += 1
        elif count[name[1:]]:
            while unclosed[-1][0] != name[1:]:
                inner, start = unclosed.pop()
                count[inner] -= 1
                if inner in ENDING:
                    found.append((start, last))
            found.append((unclosed.pop()[1], last))
            count[name[1:]] -= 1
    return found + [(start, len(text)) for _, start in unclosed]
