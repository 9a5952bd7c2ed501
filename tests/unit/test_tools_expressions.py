"""Expressions of indigevent-eval; the values are indi_eval's, as printed by it with `-f`."""

from __future__ import annotations

import pytest

from indigevent.tools.expression import ExpressionError, compile_expression

VALUES = {"A.B.c": 1.5, "A.B._STATE": 2.0}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2+3*4", "14"),
        ("7-2-1", "4"),
        ("8/2/2", "2"),
        ("6*2/3", "4"),
        ("2*-3", "-6"),
        ("2- -3", "5"),
        ("1-+1", "0"),
        ("!!1", "1"),
        ("!1==0", "1"),
        ("1<2<3", "1"),
        ("3>2>1", "0"),
        ("1!=2!=3", "1"),
        ("1||0&&0", "1"),
        ("0&&1||1", "1"),
        ("1<2==1", "1"),
        ("1/0", "inf"),
        ("log(0)", "-inf"),
        ("!sqrt(-1)", "0"),
        (".5", "0.5"),
        ("1.5e-3", "0.0015"),
        ("1e-20", "1e-20"),
        ("2/3*1000000", "666667"),
        ("-sin(1)", "-0.841471"),
        ("atan2(1,1)", "0.785398"),
        ("pow(2,3)+1", "9"),
        ("floor(-2.7)", "-3"),
        ("floor(-0.0)", "-0"),
        ("floor(1e300)*floor(1e300)", "inf"),
        ("pow(0,-1)", "inf"),
        ("pow(-0.0,-1)", "-inf"),
        ("pow(-10,401)", "-inf"),
        ("1" + "+1" * 3000, "3001"),
        ("raddeg(pi) - degrad(180)", "176.858"),
        ('("A.B.c" + 1)*"A.B._STATE"', "5"),
        ('"A.B.c" == "A.B.c" && "A.B.c" >= 1.5', "1"),
    ],
)
def test_values(text: str, printed: str) -> None:
    assert f"{compile_expression(text).value(VALUES):g}" == printed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Null program"),
        ("()", "Null expression near `)'"),
        ("1+", "Term or factor expected near `'"),
        ("(1", "Unmatched left paren near `'"),
        ("1)", "Too many right parens near `)'"),
        ("foo(1)", "Bad function near `foo(1)'"),
        ("sin 1", "expecting '(' after function near `1'"),
        ("pow(1)", "1st of 2-arg function arglist error near `)'"),
        ("sin(1,2)", "1-arg function arglist error near `,2)'"),
        ("1=1", "Illegal operator near `=1'"),
        ("12:30", "Syntax error near `:30'"),
        ('"D.N"', 'Bad field near `"D.N"\''),
        ('"D.N.a', "Bad field near `\"D.N.a'"),
        ("1 2", "Operator expected near `2'"),
        ("(" * 2000 + "1" + ")" * 2000, "Nested too deeply near `("),
    ],
)
def test_mistakes_show_where_they_are(text: str, complaint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert str(caught.value).startswith(f"Compile err: {complaint}")


def test_operands_are_named_once() -> None:
    assert compile_expression('"A.B.c" + "D e.F.g" + "A.B.c"').operands == ("A.B.c", "D e.F.g")
