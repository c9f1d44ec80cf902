"""Several statements as one: each finds its own arguments."""

from notifier.statements import all_of, union


def test_the_arguments_of_each_follow_those_of_the_one_before() -> None:
    parts = [("SELECT $1, $2", ("a", "b")), ("SELECT $2, $1", ("c", "d"))]
    assert union(parts) == ("SELECT $1, $2 UNION ALL SELECT $4, $3", ["a", "b", "c", "d"])


def test_more_than_nine_arguments_are_told_apart() -> None:
    many = (", ".join(f"${number}" for number in range(1, 12)), list(range(11)))
    statement, arguments = all_of([("SELECT $1", (0,)), many])
    assert statement.endswith("$10, $11, $12) SELECT 1")
    assert arguments == [0, *range(11)]
