"""Reading files: what is legal is read as pandas would, what is not is one clear sentence."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy
import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wellfit.data import make_table, read_table
from wellfit.errors import DataError
from wellfit.exporter.table_facts import form_of

ROWS = "".join(f"{i * 3 % 7},{'no' if i % 3 else 'yes'}\n" for i in range(40))
GOOD = "a,y\n" + ROWS


def lines(*rows: str, header: str = "a,b,y", count: int = 40) -> str:
    """A header, ``count`` good rows and then the given rows."""
    good = "".join(f"{(i * i) % 37}.5,{'uvw'[i % 3]},{i % 2}\n" for i in range(count))
    return f"{header}\n{good}" + "".join(f"{row}\n" for row in rows)


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


# name, file name, content, code, words that the sentence must hold
HOSTILE = [
    ("no bytes", "t.csv", b"", "WF-D02", "empty"),
    ("blank lines", "t.csv", b"\n\r\n\n", "WF-D02", "empty"),
    ("only commas", "t.csv", b",,,\n", "WF-D02", "empty"),
    ("header only", "t.csv", b"a,b,y\n", "WF-D02", "no row"),
    ("header without newline", "t.csv", b"a,b,y", "WF-D02", "no row"),
    ("one row", "t.csv", b"a,y\n1,2\n", "WF-D15", "1 usable row"),
    ("one column", "t.csv", "y\n" + "0\n1\n" * 20, "WF-D16", "no usable feature"),
    ("long row", "t.csv", lines("1,u,0,9"), "WF-D04", "line 42 has 4 cells"),
    ("short row", "t.csv", lines("1,u"), "WF-D04", "line 42 has 2 cells"),
    ("long row among quotes", "t.csv", lines('"1",u,0', '"x, y",u,0,9'), "WF-D04", "line 43 has 4 cells"),
    ("short row after a cell of two lines", "t.csv", lines('1,"u\nv",0', "1"), "WF-D04", "line 44 has 1 cell"),
    ("open quote at the end", "t.csv", lines('1,"u,0'), "WF-D05", "line 42"),
    ("open quote in the middle", "t.csv", GOOD + '"1,yes\n' + ROWS * 3, "WF-D05", "line 42"),
    ("open quote in the header", "t.csv", '"a,y\n' + ROWS, "WF-D05", "line 1"),
    ("NUL byte", "t.csv", lines("1,\x00,0"), "WF-D06", "line 42 holds a NUL"),
    ("picture", "t.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "WF-D06", "NUL"),
    ("UTF-16 without mark", "t.csv", GOOD.encode("utf-16-le"), "WF-D06", "UTF-16"),
    ("UTF-16 cut off", "t.csv", GOOD.encode("utf-16")[:-1], "WF-D07", "UTF-16"),
    ("broken UTF-8 with mark", "t.csv", b"\xef\xbb\xbfa,y\n\xff,1\n", "WF-D07", "UTF-8"),
    ("control bytes", "t.csv", b"a,y\n\x81\x02\x03,1\n", "WF-D07", "neither"),
    ("name twice", "t.csv", GOOD.replace("a,y", "y,y"), "WF-D08", '"y"'),
    ("name twice but for blanks", "t.csv", lines(header="a,a ,y"), "WF-D08", '"a"'),
    ("name twice but for Unicode form", "t.csv", lines(header="\u00e9,e\u0301,y"), "WF-D08", "more than once"),
    ("damaged gzip", "t.csv.gz", gzip.compress(GOOD.encode())[:-9], "WF-D06", "damaged"),
    ("not gzip", "t.csv.gz", GOOD, "WF-D06", "damaged"),
    ("not zip", "t.csv.zip", GOOD, "WF-D06", "damaged"),
    ("zip of two", "t.zip", zipped(a_csv=GOOD, b_csv=GOOD), "WF-D09", "2 files"),
    ("zip of none", "t.zip", zipped(), "WF-D09", "0 files"),
    ("not parquet", "t.parquet", GOOD, "WF-D06", "parquet"),
    ("spreadsheet", "t.xlsx", b"PK\x03\x04", "WF-D09", ".xlsx"),
    ("pickle", "t.pkl", b"\x80\x04.", "WF-D09", ".pkl"),
    ("no suffix", "table", GOOD, "WF-D09", "nothing"),
    ("text in numbers", "t.csv", lines("thirty,u,0"), "WF-D03", 'row 41 holds "thirty" but the other 40 values'),
    ("no target", "t.csv", GOOD.replace(",y", ",z"), "WF-D11", '"y"'),
    ("target without values", "t.csv", "a,y\n" + "1,\n2,\n" * 20, "WF-D13", "missing on every row"),
    ("target of one class", "t.csv", "a,y\n" + "1,x\n2,x\n" * 20, "WF-D14", "one class only"),
    ("infinite target", "t.csv", "a,y\n" + "".join(f"{i % 7},{i}.5\n" for i in range(40)) + "1,inf\n", "WF-D13", "infinite on 1 row"),
    ("target of names", "t.csv", "a,y\n" + "".join(f"{i % 7},name{i}\n" for i in range(40)), "WF-D13", "40 distinct texts"),
    ("slip in the target", "t.csv", "a,y\n" + "".join(f"{i % 7},{i}.5\n" for i in range(40)) + "1,x\n", "WF-D03", "row 41"),
    ("constant features", "t.csv", "a,b,y\n" + "1,u,0\n1,u,1\n" * 20, "WF-D16", "no usable feature"),
    ("empty features", "t.csv", "a,b,y\n" + ",?,0\nNA,,1\n" * 20, "WF-D16", "no usable feature"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "code", "words"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_hostile_files_are_refused_in_one_sentence(write, name, content, code, words):
    with pytest.raises(DataError) as caught:
        make_table(read_table(write(content, name)), "y")
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.fix
    assert "\n" not in str(caught.value)


def test_missing_file_names_its_neighbors(write, tmp_path):
    write(GOOD, "adult.csv")
    with pytest.raises(DataError, match="does not exist") as caught:
        read_table(tmp_path / "adlut.csv")
    assert caught.value.code == "WF-D01"
    assert "adult.csv" in caught.value.fix


@pytest.mark.parametrize("path", ["no/such/folder/t.csv", "a\0b.csv", "x" * 5000 + ".csv"])
def test_impossible_paths_are_refused(path):
    with pytest.raises(DataError):
        read_table(path)


def test_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


LEGAL = {
    "plain": GOOD.encode(),
    "no newline at the end": GOOD.rstrip("\n").encode(),
    "CRLF": GOOD.replace("\n", "\r\n").encode(),
    "old Mac": GOOD.replace("\n", "\r").encode(),
    "byte order mark": GOOD.encode("utf-8-sig"),
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-16 big-endian": b"\xfe\xff" + GOOD.encode("utf-16-be"),
    "semicolon": GOOD.replace(",", ";").encode(),
    "tab": GOOD.replace(",", "\t").encode(),
    "bar": GOOD.replace(",", "|").encode(),
    "blanks after commas": GOOD.replace(",", ", ").encode(),
    "quotes": GOOD.replace("yes", '"yes"').encode(),
    "blank lines": GOOD.replace("yes\n", "yes\n\n").encode(),
    "blank first line": ("\n" + GOOD).encode(),
    "saved row numbers": (
        "," + "".join(f"{i - 1 if i else ''}{',' if i else ''}{row}\n" for i, row in enumerate(GOOD.split()))
    ).encode(),
    "trailing commas": GOOD.replace("\n", ",\n").encode(),
}


@pytest.mark.parametrize("name", LEGAL)
def test_legal_forms_hold_the_same_table(write, name):
    expected = pandas.read_csv(io.StringIO(GOOD))
    found = read_table(write(LEGAL[name]))
    assert list(found.columns) == ["a", "y"]
    assert found["a"].tolist() == expected["a"].tolist()
    assert found["y"].tolist() == expected["y"].tolist()


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zip", "t.tsv", "t.txt", "T.CSV"])
def test_suffixes(write, name):
    content = {"t.csv.gz": gzip.compress(GOOD.encode()), "t.csv.zip": zipped(t_csv=GOOD)}.get(name, GOOD)
    assert read_table(write(content, name)).shape == (40, 2)


def test_parquet_round_trip(tmp_path, frame):
    frame.to_parquet(tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    assert list(found.columns) == list(frame.columns)
    assert found["age"].equals(frame["age"])


def test_quoted_delimiters_newlines_and_inch_marks(write):
    found = read_table(write('a,b\n"x,\ny",1\n5" pipe,2\n"say ""hi""",3\n'))
    assert found["a"].tolist() == ["x,\ny", '5" pipe', 'say "hi"']


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "caf\u00e9"), ("cp1252", "\u201cx\u201d")])
def test_single_byte_encodings_are_said(write, encoding, text):
    found = read_table(write(f"a,y\n{text},1\n".encode(encoding)))
    assert found["a"].tolist() == [text]
    assert found.attrs["notes"][0][0] == "WF-D50"
    assert encoding in found.attrs["notes"][0][1]


def test_a_bad_byte_does_not_spoil_the_rest(write):
    content = "a,y\ncaf\u00e9,gut\n\u00e9t\u00e9,\u00fcbel\n".encode() + b"bad \xff\xe9,gut\n"
    found = read_table(write(content))
    assert found["a"].tolist() == ["caf\u00e9", "\u00e9t\u00e9", "bad \ufffd\ufffd"]
    assert found["y"].tolist() == ["gut", "\u00fcbel", "gut"]
    assert [(code, "line 4" in told) for code, told in found.attrs["notes"]] == [("WF-D50", True)]
    assert form_of(write(content)) == (",", "utf-8-sig")


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("a;y\n1,5;2\n2,25;3\n", [1.5, 2.25]),
        ("a;y\n1.234,5;2\n2,25;3\n", [1234.5, 2.25]),
        ("a;y\n1,234;2\n2,345;3\n", [1.234, 2.345]),
        ("a\ty\n1 234,5\t2\n7\t3\n", [1234.5, 7.0]),
        ('a,y\n"1,234",2\n"12,345,678.5",3\n', [1234.0, 12345678.5]),
        ('a,y\n"1,234",2\n12.5,3\n', None),
        ("a,y\n1.234.567,2\n2.345,3\n", [1234567.0, 2345.0]),
        ("a,y\n1'234'567,2\n12,3\n", [1234567.0, 12.0]),
        ('a,y\n"1,234",2\n"2,345",3\n', None),
        ('a,y\n"1,234",2\n"x",3\n', None),
        ('a,y\n"12,34,567",2\n"1,2,3",3\n', None),
    ],
)
def test_separators_are_read_when_there_is_one_reading(write, content, values):
    found = read_table(write(content))
    if values is None:
        assert not pandas.api.types.is_numeric_dtype(found["a"].dtype) or found["a"].tolist() == [1234.0, 12.5]
    else:
        assert found["a"].tolist() == values
        assert "WF-D51" in dict(found.attrs["notes"])


def test_unclear_separators_are_said(write):
    found = read_table(write('a,y\n"1,234",2\n"2,345",3\n'))
    assert "two ways" in dict(found.attrs["notes"])["WF-D51"]


def test_header_of_numbers_is_said(write):
    assert "WF-D53" in dict(read_table(write("5.1,3.5,0\n4.9,3.0,1\n")).attrs["notes"])


@pytest.mark.parametrize("header", ["a,,y", "a,  ,y"])
def test_a_column_without_a_name_is_called_as_pandas_calls_it(write, header):
    path = write(lines(header=header))
    found = read_table(path)
    assert list(found.columns) == list(pandas.read_csv(write(lines(header="a,,y"), "p.csv")).columns)
    (note,) = found.attrs["notes"]
    assert note[0] == "WF-D52" and "column 2 of 3" in note[1] and '"Unnamed: 1"' in note[1]


def test_a_column_without_a_name_never_takes_one_that_is_there(write):
    found = read_table(write("a,,Unnamed: 1,Unnamed: 1.1\n5,x,1,2\n7,y,3,4\n"))
    assert list(found.columns) == ["a", "Unnamed: 1.2", "Unnamed: 1", "Unnamed: 1.1"]
    assert list(found["Unnamed: 1.2"]) == ["x", "y"]
    (note,) = found.attrs["notes"]
    assert '"Unnamed: 1.2", because "Unnamed: 1" is another one' in note[1]


def test_missing_markers(write):
    found = read_table(write("a,y\n1,x\n,NA\nNA,?\nnan,null\nNULL,x\n?,N/A\n2,x\n"))
    assert found["a"].isna().tolist() == [False, True, True, True, True, True, False]
    assert found["y"].isna().tolist() == [False, True, True, True, False, True, False]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_blank_line_of_one_column_is_an_empty_cell(write, end):
    text = end.join(["t", "good film", "", "bad film", '""', "a film", "", ""])
    cells = read_table(write(text))["t"]
    assert cells.fillna("").tolist() == ["good film", "", "bad film", "", "a film"]
    assert len(read_table(write(f"t,y{end}a,1{end}{end}b,2{end}{end}"))) == 2


@pytest.mark.parametrize("texts", [["t"], None])
def test_columns_of_texts_are_read_as_they_are_written(write, texts):
    frame = read_table(write('t,n\n007,1\n,2\n5,3\n"1,5",4\ntrue,5\n'), texts)
    assert frame["t"].fillna("").tolist() == ["007", "", "5", "1,5", "true"]
    assert frame["n"].tolist() == ([1, 2, 3, 4, 5] if texts else [*"12345"])
    assert read_table(write('t,n\n"1,5","2,5"\n'), ["t"]).to_numpy().tolist() == [["1,5", 2.5]]


def test_a_long_cell_is_read(write):
    found = read_table(write("a,b\n" + "x" * 2_000_000 + ',"1"\n'))
    assert len(found["a"][0]) == 2_000_000


def test_a_packed_bomb_is_refused(write, monkeypatch):
    monkeypatch.setattr("wellfit.data.read.MAX_BYTES", 10_000)
    with pytest.raises(DataError) as caught:
        read_table(write(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000), "t.csv.gz"))
    assert caught.value.code == "WF-D10"


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, st.integers(0, 9)), min_size=1, max_size=8))
def test_whatever_pandas_writes_is_read_back_or_refused(tmp_path, rows):
    pandas.DataFrame(rows, columns=["a", "b", "c"]).to_csv(tmp_path / "t.csv", index=False)
    found = read_table(tmp_path / "t.csv")
    assert list(found.columns) == ["a", "b", "c"]
    assert found["c"].tolist() == [row[2] for row in rows]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text('ay01,;"\n\r\t |.-', max_size=80).map(str.encode))
def test_any_bytes_give_a_frame_or_a_data_error(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    try:
        frame = read_table(tmp_path / "t.csv")
    except DataError as error:
        assert error.code and error.fix
    else:
        assert len(frame) and isinstance(frame.attrs["notes"], list)
        assert all(numpy.ndim(frame[name]) == 1 for name in frame.columns)
