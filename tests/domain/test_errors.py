from __future__ import annotations

from app.domain.errors import Problem, ProblemCode


def test_a_problem_says_its_code_and_context_to_the_log() -> None:
    assert str(Problem(ProblemCode.NAME_MISSING)) == "name_missing"
    assert str(Problem(ProblemCode.PHONE_TAKEN, name="Ana")) == "phone_taken: name Ana"
