"""Arrays, lists and sparse matrices into frames and series, with errors that name the shape that came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
import pandas

from wellfit.data.names import clean_frame
from wellfit.data.notes import shown
from wellfit.errors import DataError

# A sparse matrix is made dense up to this many cells (160 MB of float64).
MAX_DENSE_CELLS = 20_000_000


def frame_from_arrays(X: object, feature_names: Sequence[str] | None = None) -> pandas.DataFrame:
    """Turn features of any common form into a frame; columns of an array are named x0, x1, ... unless named.

    Args:
        X: (rows, features) array, nested list, sparse matrix or frame.
        feature_names: names for the columns.
    Raises:
        DataError: ``WF-D19`` for shapes, ``WF-D18`` for types, ``WF-D10`` for sparse matrices too large to be dense.
    """
    if isinstance(X, pandas.Series):
        X = X.to_frame()
    if isinstance(X, pandas.DataFrame):
        frame = X if feature_names is None else X.set_axis(list(feature_names), axis=1)
        return clean_frame(frame)[0]
    array = _dense(X) if hasattr(X, "tocsr") else _array(X, "X")
    if array.ndim != 2:
        raise DataError(
            f"X has {array.ndim} dimension(s) and the shape {array.shape}; (rows, features) is allowed.",
            fix="Reshape your data: X.reshape(-1, 1) for a single feature, X.reshape(1, -1) for a single row.",
            code="WF-D19",
        )
    if array.shape[1] == 0:
        raise DataError(
            f"X has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required.",
            fix="Add features.",
            code="WF-D19",
        )
    names = [f"x{position}" for position in range(array.shape[1])] if feature_names is None else list(feature_names)
    if len(names) != array.shape[1]:
        raise DataError(
            f"{len(names)} feature names came for {array.shape[1]} columns.",
            fix="Give one name per column.",
            code="WF-D19",
        )
    return clean_frame(pandas.DataFrame(array, columns=names))[0]


def target_from_array(y: object, rows: int, what: str = "target") -> tuple[pandas.Series, str]:
    """Turn a target (or weights, groups, time) into a series of ``rows`` values and its name.

    Raises:
        DataError: ``WF-D12`` for several columns, ``WF-D19`` for another length or shape, ``WF-D18`` for types.
    """
    if isinstance(y, pandas.DataFrame):
        y = y.iloc[:, 0] if y.shape[1] == 1 else y.to_numpy()
    if isinstance(y, pandas.Series):
        series = y.reset_index(drop=True)
        name = str(y.name) if y.name is not None and what == "target" else what
    elif isinstance(y, (pandas.api.extensions.ExtensionArray, pandas.Index)):
        series, name = pandas.Series(y).reset_index(drop=True), what
    else:
        series, name = pandas.Series(_one_column(y, what)), what
    if len(series) != rows:
        raise DataError(
            f"X has {rows} rows but the {what} has {len(series)}: inconsistent numbers of samples.",
            fix="Give one value per row.",
            code="WF-D19",
        )
    return series, name


def _one_column(y: object, what: str) -> numpy.ndarray:
    if y is None:
        raise DataError(
            f"the {what} is None; (rows,) values are allowed.", fix="This needs y to be passed.", code="WF-D19"
        )
    array = _dense(y) if hasattr(y, "tocsr") else _array(y, f"the {what}")
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim == 2 and array.shape[1] > 1:
        flags = array.dtype != object and bool(numpy.isin(array, (0, 1)).all())
        kind = "a multi-label" if flags else "a multi-output"
        raise DataError(
            f"the {what} has the shape {array.shape}: {kind} target is not supported.",
            fix="Pass one column, and train once per column"
            + ("; one-hot classes become one column with y.argmax(axis=1)." if flags else "."),
            code="WF-D12",
        )
    if array.ndim != 1:
        raise DataError(
            f"the {what} has the shape {array.shape}; (rows,) is allowed.", fix="Pass one value per row.", code="WF-D19"
        )
    return array


def _array(value: object, what: str) -> numpy.ndarray:
    try:
        array = numpy.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{what} is not a regular array ({shown(error, 120)}).",
            fix="Give every row as many values as the others.",
            code="WF-D19",
        ) from error
    if array.dtype.kind == "c":
        raise DataError(
            f"Complex data not supported: {what} has the dtype {array.dtype}.", fix="Pass real numbers.", code="WF-D18"
        )
    if array.dtype.kind == "V":
        raise DataError(
            f"{what} has the dtype {array.dtype}, which NumPy cannot compute with.",
            fix="Convert it with .astype(float).",
            code="WF-D18",
        )
    if array.dtype.kind == "S":
        array = _decoded(array, what)
    if array.dtype.kind in "US":
        array = array.astype(object)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _decoded(array: numpy.ndarray, what: str) -> numpy.ndarray:
    try:
        return numpy.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{what} holds bytes that are no UTF-8 text.", fix="Decode them, or store texts.", code="WF-D18"
        ) from error


def _dense(matrix: Any) -> numpy.ndarray:
    rows, features = matrix.shape
    if rows * features > MAX_DENSE_CELLS:
        raise DataError(
            f"the sparse matrix has {rows:,} x {features:,} cells; at most {MAX_DENSE_CELLS:,} are made dense.",
            fix="Reduce it first, for example with sklearn.decomposition.TruncatedSVD.",
            code="WF-D10",
        )
    return _array(matrix.toarray(), "X")
