"""Who reads the texts of a Parquet file that the fast reader refuses? Arrow, where it is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.core.errors import Unavailable


def parquet_texts(
    path: Path, columns: Sequence[str], start: int, count: int
) -> Mapping[str, list[str | None]]:
    """See ``assay.runtime.table_files.Texts``.

    Raises:
        Unavailable: pyarrow is not installed.
        Invalid: the file cannot be read.
    """
    try:
        from assay.adapters.parquet.texts import texts_as_they_are
    except ImportError as error:
        raise Unavailable(
            f"{path.name}: a text among the rows {start + 1:,} to {start + count:,} is not UTF-8. "
            "To refuse its row alone: pip install 'assay[parquet]', and import the file once more"
        ) from error
    return texts_as_they_are(path, columns, start, count)
