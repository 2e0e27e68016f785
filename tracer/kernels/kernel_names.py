"""Kernel names short enough for a terminal."""

from __future__ import annotations

import re

TAIL = 2
"""Components of a qualified name that are kept: the function, and what it lies in."""

_ANONYMOUS = re.compile(r"\(anonymous namespace\)|<unnamed>|\{anonymous\}")
_OPERATOR = re.compile(r"operator\s*(?:\(\)|\[\]|<=>|<<=|>>=|->\*|<<|>>|<=|>=|->|<|>)")
_BRACKETS = re.compile(r"\([^()<>\[\]{}]*\)|<[^()<>\[\]{}]*>|\[[^()<>\[\]{}]*\]|\{[^()<>\[\]{}]*\}")
_QUALIFIERS = re.compile(r"(?:\s*(?:\b(?:const|volatile|noexcept)\b|&&?))+\s*$")
_FIRST_MARK = 0xE000
"""Code points of no C++ name stand for operators while brackets are taken away, one each."""

_MARKS = 0x1000


def short_name(name: str) -> str:
    """
    Shorten a demangled C++ name: no return type, template arguments or parameters, the last two components.

    ``void at::native::reduce_kernel<(int)512, F<float>>(T3)`` gives ``native::reduce_kernel``. Names that are no
    C++ (``ampere_sgemm_128x64_tn``, ``[CUDA memcpy Host-to-Device]``, mangled ones) stay whole. Different kernels may
    have one short name: tables are grouped by the whole one.
    """
    operators = dict(enumerate(_OPERATOR.findall(name)[:_MARKS], _FIRST_MARK))
    bare = _ANONYMOUS.sub("", name)
    for mark, operator in operators.items():
        bare = bare.replace(operator, chr(mark), 1)
    # From the inside out; brackets that nothing closes end the name.
    while (fewer := _BRACKETS.sub("", bare)) != bare:
        bare = fewer
    bare = _QUALIFIERS.sub("", re.split(r"[(<\[{]", bare, maxsplit=1)[0]).strip()
    words = bare.split()
    if not words:
        return name
    whole = words[-1].translate(operators)
    return "::".join([part for part in whole.split("::") if part][-TAIL:]) or name
