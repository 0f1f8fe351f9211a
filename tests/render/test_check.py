"""The page of an attempt: goldens at three widths, and what holds for every page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

import convstep
from convstep.diagnosis.catalogue import CATALOGUE, CONVENTIONS
from convstep.diagnosis.examiner import Examiner
from convstep.diagnosis.replay import replay
from convstep.diagnosis.separating import blindness
from convstep.render.check import check_lines
from convstep.render.check_data import Judged
from convstep.render.check_mistakes import blindness_lines, catalogue_lines, mistake_lines
from convstep.render.check_replay import no_replay_lines, replay_lines
from convstep.render.check_summary import Summary, summary_lines
from convstep.render.matrix import Look
from render.checked import BATCH, attempts, checked_page, diagnosed, page, question

WIDTHS = (40, 80, 120)
NAMES = tuple(attempts())
HOSTILE = "[bold]x[/bold] \x1b[2J\x1b]0;y\x07 a\u202eb\nsecond line"


def replayed(name: str) -> Any:
    problem, diagnosis = diagnosed(name)
    way = diagnosis.ways[0]
    return replay(problem, way.rules, way.turned)


def summary() -> Summary:
    """A class in which everything happens."""
    judged = [Judged(f"{name}.yaml", 1, diagnosed(name)[1]) for name in NAMES]
    return Summary.of([*judged, Judged("broken.yaml", None, None, "broken.yaml:1:1: not readable")])


OTHERS = {
    "mistakes": catalogue_lines,
    "mistake-channels": lambda look: mistake_lines("channels-not-summed", look),
    "mistake-error-sign": lambda look: mistake_lines("error-sign", look),
    "replay-question": lambda look: replay_lines(replayed("question-attempt"), look),
    "summary": lambda look: summary_lines(summary(), look),
    "blind": lambda look: _blind(look),
}
"""The other pages of ``check``, each from the look that it is to have."""


def _blind(look: Look) -> list[Any]:
    problem = convstep.load(question())
    return blindness_lines(problem, "problem.yaml", blindness(Examiner(problem).exercise(1).setting), look)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_whole_pages(same_as_golden, name, width):
    text = checked_page(*diagnosed(name), width, name=f"{name}.yaml")
    _fits(text, width)
    same_as_golden(f"check-{name}-{width}", text)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", OTHERS)
def test_other_whole_pages(same_as_golden, name, width):
    text = page(OTHERS[name](Look(width, 6, False)), width)
    _fits(text, width)
    same_as_golden(f"check-{name}-{width}", text)


def _fits(text: str, width: int) -> None:
    for line in text.splitlines():
        # A word, such as the name of a cell with its index, is never broken.
        assert cell_len(line) <= width or " " not in line.strip(), line
        assert line == line.rstrip()


def test_the_asker_made_one_mistake_and_has_a_convention_of_their_own():
    diagnosis = diagnosed("question-attempt")[1]
    statuses = {each.name: (each.status, each.id) for each in diagnosis.quantities}
    assert statuses == {
        "output": ("right", None),
        "error": ("convention", "error-sign"),
        "filter_gradient": ("follows", None),
        "new_filter": ("wrong", "ascent"),
    }
    assert [[each.id for each in one] for one in diagnosis.explanations] == [["ascent"]]


def test_the_answer_is_a_tie_with_two_lost_minus_signs_and_no_ascent():
    diagnosis = diagnosed("answer-attempt")[1]
    assert [[each.id for each in one] for one in diagnosis.explanations] == [["slope-forgotten"], ["slope-at-zero"]]
    assert [(each.name, each.status) for each in diagnosis.quantities] == [
        ("error", "convention"),
        ("filter_gradient", "wrong"),
        ("new_filter", "follows"),
    ]
    slips = [(cell.cell, cell.given, cell.expected, cell.kind) for cell in diagnosis["filter_gradient"].cells]
    assert slips == [((0, 0), 1, -1, "lost-minus"), ((1, 0), 1, -1, "lost-minus")]


def test_the_proof_of_a_convention_adds_up():
    """Both lines are read from the page and calculated anew: they lead to the same new filter."""
    text = checked_page(*diagnosed("own-convention")).partition("Your convention is fine.")[2]
    ways = []
    for block in text.split("\n\n")[1:3]:
        sign = 1 if "+ 0.5" in block else -1
        numbers = np.array(_matrix_rows(block))
        start, step, end = numbers[:, :2], numbers[:, 2:4], numbers[:, 4:]
        assert np.array_equal(start + sign * 0.5 * step, end)
        ways.append((sign, end.tolist()))
    assert ways == [(1, [[0, 0], [1, 0]]), (-1, [[0, 0], [1, 0]])]


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "so large that not even one mistake at a time was looked for."),
        (1, "so large that no more than one mistake at a time was looked for."),
        (2, "so large that no more than two mistakes at a time were looked for."),
    ],
)
def test_how_many_mistakes_could_be_looked_for(count, says):
    _, diagnosis = diagnosed("unexplained")
    assert "so large" not in text_of(diagnosis)
    assert says in text_of(replace(diagnosis, looked_for=count))


def text_of(diagnosis: convstep.Diagnosis) -> str:
    return " ".join(" ".join(line.plain.split()) for line in check_lines(diagnosis, Look(width=120)))


def _matrix_rows(block: str) -> list[list[float]]:
    """The numbers within brackets, by the lines of a page."""
    lines = [re.findall(r"[⎡⎣] (.*?) [⎤⎦]", line) for line in block.splitlines()]
    return [[float(number) for piece in pieces for number in piece.split()] for pieces in lines if pieces]


@pytest.mark.parametrize("name", NAMES)
def test_the_sums_on_a_page_come_to_the_number_that_should_be(name):
    """``= 2·(−1) + 0·2 = -2``: multiplied and added anew, and compared with what the sentence above says."""
    for wanted, sum_, total in sums(name):
        products = [product.replace("−", "-").replace("(", "").replace(")", "") for product in sum_.split(" + ")]
        added = sum(np.prod([float(factor) for factor in product.split("·")]) for product in products)
        assert added == pytest.approx(total) == pytest.approx(wanted)


def sums(name: str) -> list[tuple[float, str, float]]:
    """What each number should be, its sum as it is printed, and what that is said to come to."""
    lines = checked_page(*diagnosed(name), 1000).splitlines()
    found = []
    for says, names, numbers in zip(lines, lines[1:], lines[2:], strict=False):
        wanted = re.search(r"(?:should be|would be|numbers follows) (-?\d+(?:\.\d+)?)", says)
        if wanted and names.startswith("    = ") and numbers.startswith("    = "):
            sum_, total = numbers.removeprefix("    = ").split(" = ")
            found.append((float(wanted[1]), sum_, float(total)))
    return found


def test_every_sum_is_seen_by_the_test_above():
    counts = {name: len(sums(name)) for name in NAMES}
    assert counts == {name: checked_page(*diagnosed(name), 1000).count("\n    = ") // 2 for name in NAMES}
    assert {name: count for name, count in counts.items() if count} == {
        "answer-attempt": 2, "slip": 1, "missing-term": 1, "explained-so-far": 1, "unexplained": 1,
        "slip-after-slip": 2,
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_tie_is_told_with_all_its_sets_and_a_right_page_with_none(name):
    diagnosis = diagnosed(name)[1]
    text = " ".join(checked_page(*diagnosed(name)).split())
    for one in diagnosis.explanations:
        for mistake in one:
            assert mistake.id in text
            assert " ".join(mistake.says.split()) in text
    if diagnosis.verdict == "right":
        assert "✗" not in text
        assert "Next:" not in text


@pytest.mark.parametrize("name", NAMES)
def test_colours_change_nothing_but_the_colour(name):
    plain, colored = checked_page(*diagnosed(name)), checked_page(*diagnosed(name), color="always")
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain
    assert colored != plain


def test_a_mark_tells_a_slip_from_a_mistake_without_colours():
    assert "7! ⎤" in checked_page(*diagnosed("slip"))
    assert "5.2✗ ⎦" in checked_page(*diagnosed("batch"))


def test_hostile_titles_and_names_stay_text():
    problem = convstep.load(question(title=HOSTILE))
    diagnosis = convstep.diagnose(problem, {"error": [[2, 0], [0, 0]]})
    for color in ("never", "always"):
        text = checked_page(problem, diagnosis, 200, name=HOSTILE, color=color)
        text = re.sub(r"\x1b\[[\d;]*m", "", text)
        assert "[bold]x[/bold] \\x1b[2J\\x1b]0;y\\x07 a\\u202eb\\nsecond line" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_few_digits_and_many():
    problem = convstep.load(question(activation="sigmoid"))
    diagnosis = convstep.diagnose(problem, {"output": [[0.1, 0.2], [0.3, 0.4]]})
    assert "⎡ 0.95  0.5  ⎤" in checked_page(problem, diagnosis, digits=2)
    assert "0.9525741268" in checked_page(problem, diagnosis, digits=10)


def test_a_large_matrix_is_cut_unless_all_cells_are_wanted():
    size = 60
    problem = convstep.load({"input": np.eye(size), "filter": [[2]], "target": np.eye(size), "learning_rate": 0.1})
    diagnosis = convstep.diagnose(problem, {"output": np.eye(size) * 3})
    short, long = (checked_page(problem, diagnosis, all_cells=wanted) for wanted in (False, True))
    assert len(short.splitlines()) < 80
    assert long.count("3✗") + long.count("3!") == size
    assert "…" in short


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("right", "There is no other rule to run: yours is the right one."),
        ("slip", "There is no other rule to run: only the arithmetic slipped."),
        ("answer-attempt", "Several explanations fit;"),
        ("unexplained", "Nobody knows the rule behind these numbers, so it cannot be run."),
    ],
)
def test_why_there_is_nothing_to_replay(name, says):
    assert says in " ".join(page(no_replay_lines(diagnosed(name)[1], Look(80, 6, False))).split())


def test_the_replay_says_how_the_loss_went_and_came_back():
    told = replayed("question-attempt")
    losses = told.right.losses
    text = " ".join(page(replay_lines(told, Look(80, 6, False))).split())
    assert f"the loss is {losses[15]:.6g} after 15 iterations and back at 1 after 35: dead." in text
    assert losses[told.right.lowest] == min(losses)
    assert told.right.lowest == 15


def test_every_mistake_stands_in_the_list_once():
    text = page(catalogue_lines(Look(120, 6, False)), 120)
    assert [line.split()[0] for line in text.splitlines() if re.match(r" {4}[a-z]+-?[a-z-]*  ", line)] == [
        *sorted(CATALOGUE, key=_by_quantity),
        *CONVENTIONS,
    ]


def _by_quantity(name: str) -> int:
    quantities = list(dict.fromkeys(each.quantity for each in CATALOGUE.values()))
    return quantities.index(CATALOGUE[name].quantity)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*CATALOGUE, *CONVENTIONS])
def test_each_mistake_is_explained_with_its_words(name, width):
    text = page(mistake_lines(name, Look(width, 6, False)), width)
    _fits(text, width)
    words = " ".join(text.split())
    if name in CONVENTIONS:
        assert CONVENTIONS[name] in words
        return
    mistake = CATALOGUE[name]
    assert f"{mistake.did} {mistake.why}" in words
    assert f"Instead: {mistake.instead}" in words
    assert "For example" in words
    assert f"with {name}" in words


def test_the_summary_counts_what_was_found():
    found = summary()
    assert found.attempts == len(NAMES) + 1 == sum(found.verdicts.values())
    assert found.verdicts["unreadable"] == 1
    assert found.certain["ascent"] == sum("ascent" in _everywhere(name) for name in NAMES) > 1
    assert found.ties[("slope-forgotten", "slope-at-zero")] == 1
    assert "slope-at-zero" in found.possible


def _everywhere(name: str) -> set[str]:
    sets = [{each.id for each in one} for one in diagnosed(name)[1].explanations]
    return set.intersection(*sets) if sets else set()


SMALL = {
    "input": [[0.5, 1.2, 0.3], [0.8, 0.1, 0.9], [0.4, 0.7, 0.6]],
    "filter": [[0.21, 0.37], [0.13, 0.42]],
    "target": [[0.1, 0.2], [0.3, 0.4]],
    "bias": 0,
    "learning_rate": 0.1,
}


def words_of(problem: Any, attempt: Any) -> str:
    """The page of an attempt, as one line."""
    loaded = convstep.load(problem)
    return " ".join(checked_page(loaded, convstep.diagnose(loaded, attempt)).split())


def test_what_is_right_by_rounding_alone_stands_beside_the_right_number():
    said = words_of(SMALL, {"filter_gradient": [["1.25", "1.12"], ["0.79", "0.96"]]})
    assert "✓ filter_gradient ∂L/∂w right, if you rounded on the way" in said
    assert "⎡ 1.25 1.12 ⎤ ⎡ 1.1928 1.1726 ⎤" in said
    assert said.endswith("for somebody who rounds on the way: write down the steps before to know more.")
    said = words_of(SMALL, {"filter_gradient": [["1.19", "1.17"], ["0.84", "0.91"]]})
    assert "✓ filter_gradient ∂L/∂w right yours" in said
    assert said.endswith("Every number is what it should be.")


def test_a_mistake_that_shows_twice_is_made_once():
    step = next(iter(convstep.descend(convstep.load(SMALL))))
    uphill = {f"new_{kind}": step[kind] + 0.1 * step[f"{kind}_gradient"] for kind in ("filter", "bias")}
    said = words_of(SMALL, uphill)
    assert "✗ new_filter w′ here is the mistake" in said
    assert "✗ new_bias b′ the same mistake shows here" in said
    alone = words_of(SMALL, {"bias_gradient": step["bias_gradient"], "new_bias": uphill["new_bias"]})
    assert "in new_bias: ascent" in alone
    assert alone.endswith("Next: work out new_bias again.")


def test_what_would_settle_a_tie_is_shown_once_for_all_that_agree():
    said = words_of(question(), {"loss": 4})
    assert (
        "It would be: factor-two, error-before-activation activation-forgotten ⎡ 3 0 ⎤ ⎡ 3 0 ⎤ ⎣ 0 1 ⎦ ⎣ -2 1 ⎦" in said
    )


def test_many_that_agree_are_named_by_their_numbers(monkeypatch):
    monkeypatch.setattr("convstep.render.check_ties.LONGEST_TITLE", 10)
    assert "It would be: 1 and 2 activation-forgotten" in words_of(question(), {"loss": 4})


def said_of(attempt: Any, keys: Any = None) -> str:
    """The page of an attempt, on one line."""
    problem = convstep.load(question() if keys is None else keys)
    return text_of(convstep.diagnose(problem, attempt))


@pytest.mark.parametrize(
    ("gradient", "says"),
    [
        ([[2, -2], [0, 2]], "Your gradient is ∂L/∂w itself, and is subtracted."),
        ([[-2, 2], [0, -2]], "what comes from it points downhill, and is added."),
    ],
)
def test_an_error_of_t_minus_a_may_lead_to_either_gradient(gradient, says):
    error = {"error": [[-2, 0], [0, 0]]}
    assert says in said_of(error | {"filter_gradient": gradient, "new_filter": [[0, 0], [1, 0]]})
    assert says in said_of(error | {"filter_gradient": gradient})


def test_what_to_do_next_names_every_quantity_that_is_wrong():
    """A slip in δ, a gradient that nobody can explain, and a new filter that follows from it."""
    keys = {"input": [[1, 2, 0], [0, 1, 3], [2, 0, 1]], "filter": [[1, 0], [-1, 2]], "target": [[1, 0], [0, 2]]}
    nonsense = {"filter_gradient": [[11, 9], [12, 24]], "new_filter": [["-0.1", "-0.9"], ["-2.2", "-0.4"]]}
    told = said_of({"delta": [[3, 7], [0, 1]], **nonsense}, {**keys, "learning_rate": "0.1"})
    assert "Before that, a slip: delta[0,0] is 3, and should be 2." in told
    assert "The first is filter_gradient[0,0]: yours is 11, and from your numbers follows 18." in told
    assert told.endswith(
        "Next: work out delta again, and then filter_gradient; new_filter followed correctly from them, and will come "
        "out right then."
    )


@pytest.mark.parametrize(("loss", "says"), [(4, "Your output would tell more."), (16, "not explained: loss")])
def test_a_quantity_that_tells_some_of_three_apart(loss, says):
    assert says in said_of({"loss": loss})


def test_one_number_is_not_counted():
    assert "loss is other than what follows from your own numbers, and no mistakes that we know make all that" in (
        page_ := said_of({"loss": 16})
    )
    assert "you gave: yours is 16, and it should be 2." in page_


def test_a_list_in_the_place_of_a_matrix_is_shown_as_it_was_given():
    problem = convstep.load(question())
    text = checked_page(problem, convstep.diagnose(problem, {"delta": [2, 0, 0, 0]}), 80, name="flat.yaml")
    assert "[ 2  0  0  0 ]   ⎡ 2  0 ⎤" in text


def test_cells_that_were_left_open_are_not_told():
    problem = convstep.load(question())
    text = checked_page(problem, convstep.diagnose(problem, {"pre_activation": [[4, None], [None, 1]]}), 80, name="x")
    assert "⎡ 4!  · ⎤   ⎡ 3  · ⎤" in text
    assert "-2" not in text


def test_an_error_of_t_minus_a_alone_is_a_convention_and_gives_nothing_away():
    alone = said_of({"error": [[-2, 0], [0, 0]]})
    assert alone.endswith("what comes from it points downhill, and is added.")
    back = said_of({"error": [[-2, 0], [0, 0]], "delta": [[2, 0], [0, 0]]})
    assert back.endswith("as in δ = −(t − a)·f′(z). That is harmless.")
    both = said_of({"error": [[-2, 0], [0, 0]], "delta": [[2, 0], [0, 0]], "filter_gradient": [[-2, 2], [0, -2]]})
    assert "and is subtracted" not in both
    assert "You write the way down, −∂L/∂w, for the gradient." in both


def test_a_slip_in_an_array_of_another_size_is_told():
    """δ slid over the input and beyond makes 4×4 numbers, of which one is off by 5."""
    problem = convstep.load(question())
    full = np.zeros((4, 4))
    padded = np.pad(problem.input, 1)
    for p in range(4):
        for q in range(4):
            full[p, q] = (padded[p : p + 2, q : q + 2] * np.array([[2, 0], [0, 0]])).sum()
    full[3, 3] += 5
    told = said_of({"delta": [[2, 0], [0, 0]], "filter_gradient": full})
    assert "gradient-full" in told
    assert "filter_gradient[3,3] is 7, and by your own way would be 2." in told


@pytest.mark.parametrize("name", ["loss", "error", "filter_gradient"])
def test_arrays_of_too_many_axes_are_shown(name):
    told = said_of({name: np.ones((2, 1, 2, 1, 3, 3))})
    assert f"Your {name} is 2×1×2×1×3×3 where" in told


def test_no_number_is_told_of_a_cell_that_was_left_open():
    """Without a quarter it is [[2, −2], [0, 2]]; the first of those that are farthest off was left open."""
    told = said_of({"delta": [[2, 0], [0, 0]], "filter_gradient": [[None, "-0.5"], [0, "0.5"]]})
    assert "For filter_gradient[0,1] that gives -0.5; it should be -2." in told


def test_what_to_do_next_is_about_what_leads_there():
    """A rotated gradient leads to the new filter, and not to ∂L/∂x; a slip in the output leads to δ."""
    problem = convstep.load(BATCH)
    step = next(iter(convstep.descend(problem)))
    given = {
        "error": -step.error,
        "delta": -step.delta,
        "filter_gradient": -step.filter_gradient[..., ::-1, ::-1],
        "input_gradient": -step.input_gradient,
    }
    told = text_of(convstep.diagnose(problem, given))
    assert told.endswith("Next: work out filter_gradient again.")
