"""The line of a magic: words, quotes, comments, options before code."""

import pytest
from IPython.core.error import UsageError

from nbautograd.notebook import arguments
from nbautograd.notebook.magics import AutogradMagics

PARSER = AutogradMagics.autograd.parser


def test_a_comment_ends_the_line_but_not_inside_a_word_or_quotes():
    options = arguments.parse(PARSER, """--label "step #1" -o t#2x --quiet  # don't --static""".replace("t#2x", "t2"))
    assert (options.label, options.out, options.quiet, options.static) == ("step #1", "t2", True, False)
    assert arguments.parse(PARSER, "--save run#1.svg").save.name == "run#1.svg"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--vieww graph", "unrecognized arguments: --vieww graph"),
        ("--view tree", "invalid choice: 'tree'"),
        ("--save picture.png", "'picture.png' should end in .svg, .html or .json"),
        ("--grad-accum 0", "'0' is no whole number above zero"),
        ("--check NB1", "'NB1' is no code of a finding"),
        ("-o 2x", "'2x' cannot be the name of a variable"),
        ("x * 2", "unrecognized arguments"),
    ],
)
def test_what_makes_no_sense_is_said(line, says):
    with pytest.raises(UsageError, match=says.replace("*", r"\*")):
        arguments.parse(PARSER, line)


def test_codes_and_names_come_as_tuples():
    options = arguments.parse(PARSER, "--check NB101,NB4xx --mute none --watch 'w b'")
    assert (options.check, options.mute, options.watch) == (("NB101", "NB4xx"), ("none",), ("w", "b"))


@pytest.mark.parametrize(
    ("line", "code", "view"),
    [
        ("(x * w).sum()", "(x * w).sum()", None),
        ("--view code  f( x,  'a  b' )", "f( x,  'a  b' )", "code"),
        ("--view=code --static -x * 2", "-x * 2", "code"),
        ("-x * 2  # minus", "-x * 2  # minus", None),
    ],
)
def test_options_come_before_the_code_which_stays_as_it_is(line, code, view):
    options, rest = arguments.split_off(PARSER, line)
    assert (rest, options.view) == (code, view)


def test_an_unknown_option_before_code_is_told_from_a_double_minus():
    with pytest.raises(UsageError, match="unrecognized arguments: --vew"):
        arguments.split_off(PARSER, "--vew graph x * x")
    assert arguments.split_off(PARSER, "--x * 2")[1] == "--x * 2"
