import pytest

from charrnn.inspection.features.kinds import Kind, kind_of

VERSE = """\
The owl looks out; the barn is cold;
The moon is low; the hay is old;
# 7 of them; and {sic} one is mine;
'Tis late, she said; the night is fine;
"""
MARKDOWN = """\
# Owls

They can be fed from Python, which takes some time; see the *other* page on
what they eat, and why they don't do so on Sundays or on any other holiday.

    import owls
    owls.feed()

Return to the barn when they are done, and do not forget to close the door:
it is cold outside. For more of it: see `feed`, `close` and the pages below.
"""
TEX = """\
\\section{Owls}
\\begin{quote}
They \\emph{sleep} all day; they \\emph{eat} at night,
and \\textbf{no_progress} knows why (see \\cite{owl}).
\\end{quote}
"""
PYTHON = """\
    feeding of owls, and all the rest of it.
    \"\"\"
    if owl is None:
        raise Hungry(f"no {owl}")
    for mouse in mice:
        owl.eat({"mouse": mouse})

@cache
def feed(owl):
    return owl
"""
C = """\
 * feeds it; returns whether it was hungry
 */
static int feed(struct owl *owl)
{
\tif (!owl)
\t\treturn -1;
\towl->food++;
\treturn 0;
}
"""
HEADER = """\
#ifndef OWL_H
#define OWL_H
/* Feeds an owl. */
int feed(struct owl *);
int close(struct barn *);
#endif
"""
CSS = ".owl {\n  color: brown;\n}\n.barn > .owl {\n  background: url(//owl.example/a.png);\n}\n"
HTML = """\
class="owl">An <b>owl</b>; and
<p>Another one.</p>
<script>
  let owl = {};
  feed(owl);
</script>
<p>The end.</p>
<p>Really.</p>
"""
JSON = """\
and more owls", "age": 3},
  {
    "name": "Ann: \\"the owl\\"",
    "barn": null, "eats": ["mice", 1.5e-3, true]
  },
"""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Kind.PROSE),
        ("(a((b.)))\n((.))\n", Kind.PROSE),
        ("3.14159 26535\n", Kind.PROSE),
        ('He said: "no", "yes": and [so] it was.\n', Kind.PROSE),
        ("If a < b and c > d, then <b> is <i>.\n", Kind.PROSE),
        (VERSE, Kind.PROSE),
        (MARKDOWN, Kind.PROSE),
        (TEX, Kind.PROSE),
        (PYTHON, Kind.PYTHON),
        ("x = 1\n", Kind.PYTHON),
        (C, Kind.C),
        (HEADER, Kind.C),
        (CSS, Kind.C),
        (HTML, Kind.PROSE),
        (JSON, Kind.PROSE),
    ],
)
def test_the_kind_of_a_text_is_known_from_any_piece_of_it(text, kind):
    assert kind_of(text) is kind


def test_a_little_of_another_kind_does_not_change_the_kind():
    assert kind_of(20 * VERSE + PYTHON) is Kind.PROSE
    assert kind_of(9 * PYTHON + VERSE) is Kind.PYTHON
    assert kind_of(9 * C + PYTHON) is Kind.C
