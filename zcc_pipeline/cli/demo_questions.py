"""Three questions that one record for each engagement makes easy, with the SQL that answers them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its SQL; ``numbers`` are the columns to align right."""

    text: str
    sql: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows."""

    question: Question
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


QUESTIONS = (
    Question(
        "Which queues take the most calls, how many do they answer, and how long do callers wait?",
        """\
select last_queue_name as queue, count(*) as calls,
       round(100 * avg(is_answered::int))::int as "answered %",
       round(100 * avg(is_abandoned::int))::int as "abandoned %",
       median(speed_of_answer_seconds)::int as "median wait s"
from engagements
where channel = 'voice' and direction = 'inbound' and last_queue_name is not null
group by all order by calls desc, queue limit 4""",
        ("calls", "answered %", "abandoned %", "median wait s"),
    ),
    Question(
        "Which customers came back on several channels, and what tied them together?",
        """\
select display_name as customer, array_to_string(channels, ' + ') as channels,
       engagement_count as engagements, identified_by as "recognised by"
from customers
where len(channels) > 1
order by len(channels) desc, engagements desc, customer limit 4""",
        ("engagements",),
    ),
    Question(
        "What do agents conclude when the word refund is spoken or typed?",
        """\
select disposition_name as disposition, count(distinct engagement_id) as engagements,
       round(100 * avg(was_transferred::int))::int as "transferred %",
       round(median(handle_seconds) / 60.0, 1) as "median handling min"
from engagement_dispositions join engagements using (engagement_id)
where engagement_id in (select engagement_id from transcript_turns where text ilike '%refund%')
group by all order by engagements desc, disposition limit 4""",
        ("engagements", "transferred %", "median handling min"),
    ),
)


def answer_all(analytics: Path) -> list[Answer]:
    """Ask them of the analysts' copy."""
    import duckdb

    answers = []
    with duckdb.connect(str(analytics), read_only=True) as connection:
        for question in QUESTIONS:
            found = connection.execute(question.sql)
            columns = tuple(column[0] for column in found.description or ())
            answers.append(Answer(question, columns, tuple(found.fetchall())))
    return answers
