"""The page of the proof keeps what was not run again, and says what does not hold."""

from __future__ import annotations

from proof import Result, Table
from proof.page import section, written


def result(part="torture", **others):
    return Result(part=part, claim="Nothing is lost.", command=f"make {part}", **others)


def test_a_section_has_the_claim_the_verdict_the_command_and_the_figures():
    table = Table(title="Times", columns=["what", "ms"], rows=[["a | b", "1"]], numeric=1)
    text = section(result(tables=[table], notes=["One was not run."], date="2026-11-27"))
    assert "Nothing is lost. It holds." in text
    assert "`make torture`, 2026-11-27" in text
    assert "| what | ms |\n| --- | ---: |\n| a \\| b | 1 |" in text
    assert "- One was not run." in text


def test_what_a_reader_of_the_page_could_not_see_is_escaped_or_cut():
    table = Table(title="Seen", columns=["text"], rows=[["<id> " + "x" * 500]])
    text = section(result(tables=[table], notes=["refused: <id>"]))
    assert "| &lt;id> xxx" in text
    assert "x …" in text
    assert max(map(len, text.splitlines())) < 200
    assert "- refused: &lt;id>" in text


def test_a_claim_that_does_not_hold_is_said_first():
    assert "Nothing is lost. **It does not hold.**" in section(result(holds=False))


def test_the_page_begins_with_a_line_for_each_part():
    sections = {
        "torture": section(result(seconds=90, date="2026-11-27")),
        "bench": section(result("bench", holds=False, seconds=7, date="2026-11-28")),
    }
    page = written("# Proof\n", sections, order=["torture", "bench"])
    assert "| [Torture](#torture) | Nothing is lost | holds | 2026-11-27 | 90 s |" in page
    assert "| [Bench](#bench) | Nothing is lost | **does not hold** | 2026-11-28 | 7 s |" in page


def test_a_part_that_was_not_run_keeps_its_section():
    order = ["torture", "bench"]
    both = {"bench": section(result("bench")), "torture": section(result(seconds=1))}
    first = written("# Proof\n\nText.\n", both, order=order)
    again = written(first, {"torture": section(result(seconds=2))}, order=order)
    assert again.startswith("# Proof\n\nText.\n\n<!-- part: summary -->")
    assert again.index("<!-- part: torture -->") < again.index("<!-- part: bench -->")
    assert again.count("make bench") == first.count("make bench") == 1
    assert ", 2 s" in again
    assert ", 1 s" not in again
    assert again.count("(#torture)") == 1


def test_a_part_that_no_longer_exists_leaves_the_page():
    page = written("# Proof\n", {"old": section(result("old"))}, order=["old"])
    assert "make old" not in written(page, {}, order=["torture"])


def test_writing_the_same_page_again_changes_nothing():
    page = written("# Proof\n", {"torture": section(result())}, order=["torture"])
    assert written(page, {}, order=["torture"]) == page


def test_a_result_reads_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr("proof.result.FOLDER", tmp_path)
    made = result(tables=[Table(title="t", columns=["c"], rows=[["1"]])], notes=["n"])
    assert Result.read(made.write()) == made
