"""Marts for notebooks: each as a pandas DataFrame or an Arrow table.

>>> marts = Marts("zcc_data/analytics.duckdb")              # doctest: +SKIP
>>> frame = marts.engagements()                             # doctest: +SKIP
>>> frame.groupby("channel")["handle_seconds"].mean()       # doctest: +SKIP
>>> marts.engagement_notes(as_="arrow")                     # doctest: +SKIP
>>> marts.sql("select count(*) from engagements where is_abandoned")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from zcc_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


class Mart(Protocol):
    """One mart, read when called."""

    @overload
    def __call__(self, as_: Literal["pandas"] = "pandas") -> pd.DataFrame: ...
    @overload
    def __call__(self, as_: Literal["arrow"]) -> pa.Table: ...


class Marts:
    """The analysts' copy, read-only. Every call opens the newest copy, so a long-lived notebook never holds an old one.

    Each mart is a method: ``marts.engagements()`` gives a DataFrame, ``marts.engagements(as_="arrow")`` an Arrow table.
    ``marts.names()`` (and completion in a notebook) lists them. Times are UTC.
    """

    def __init__(self, analytics_path: str | Path) -> None:
        self._path = Path(analytics_path)

    def names(self) -> list[str]:
        """The marts there are, and views such as ``archive_index``."""
        query = (
            "select table_name as name from duckdb_tables() "
            "union all select view_name from duckdb_views() where not internal order by 1"
        )
        return [str(row["name"]) for row in self._rows(query)]

    def describe(self, mart: str) -> pd.DataFrame:
        """Columns of a mart: name, type and meaning."""
        return self.sql(
            "select column_name, data_type, comment as meaning from duckdb_columns() "
            "where table_name = ? order by column_index",
            [mart],
        )

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """The answer to any query over the marts."""
        with self._open() as connection:
            return connection.execute(query, list(parameters)).df()

    def arrow(self, mart: str) -> pa.Table:
        """A mart as an Arrow table. ``KeyError`` lists the marts there are."""
        with self._open() as connection:
            return connection.table(self._known(mart)).to_arrow_table()

    def pandas(self, mart: str) -> pd.DataFrame:
        """A mart as a DataFrame. ``KeyError`` lists the marts there are."""
        with self._open() as connection:
            return connection.table(self._known(mart)).df()

    def __getattr__(self, name: str) -> Mart:
        if name.startswith("_") or name not in self.names():
            raise AttributeError(f"no mart {name!r}; there are: {', '.join(self.names())}")

        def read(as_: Literal["pandas", "arrow"] = "pandas") -> Any:  # noqa: ANN401 - by argument, see Mart
            return self.arrow(name) if as_ == "arrow" else self.pandas(name)

        return read

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.names()})

    def _known(self, mart: str) -> str:
        names = self.names()
        if mart not in names:
            raise KeyError(f"no mart {mart!r}; there are: {', '.join(names)}")
        return mart

    def _rows(self, query: str) -> list[dict[str, object]]:
        with self._open() as connection:
            cursor = connection.execute(query)
            columns = [column[0] for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def _open(self) -> duckdb.DuckDBPyConnection:
        if not self._path.is_file():
            raise ConfigurationError(
                "ZCC_ANALYTICS_PATH",
                f"there is no analysts' copy at {self._path} yet; `zcc build` writes it",
                purpose="the DuckDB file that notebooks and BI tools read",
                example="./zcc_data/analytics.duckdb",
            )
        import duckdb

        # Attached instead of connected to: for a path that this process holds open DuckDB connects to what it opened
        # then, although another file lies there by now.
        connection = duckdb.connect(":memory:")
        try:
            connection.execute(f"attach {_quoted(self._path)} as analytics (read_only)")
            connection.execute("use analytics")
        except BaseException:
            connection.close()
            raise
        return connection


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
