"""Records are frozen and consistent, and files give them back to the bit or say why not."""

import contextlib
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
import record_examples
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from workbench import coding
from workbench.records import Attribution, Curve, Matrix, Record, Table
from workbench.storage import FORMAT, LARGEST_FILE, digest, fingerprint, load_record, save_record, to_json
from zoo.errors import InputError

EXAMPLES = record_examples.examples()
ENDINGS = (".safetensors", ".json")


def same(a: object, b: object) -> bool:
    """Equal in type, value and every bit of every array."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float) and np.isnan(a):
        return bool(np.isnan(b))
    if hasattr(a, "items") and hasattr(b, "items"):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)  # type: ignore[index,attr-defined]
    return type(a) is type(b) and a == b


def test_examples_cover_every_record_type() -> None:
    assert {type(record) for record in EXAMPLES.values()} == set(coding.kinds().values())
    assert set(coding.kinds().values()) >= {kind for kind in Record.__subclasses__() if "workbench" in kind.__module__}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_record_cannot_be_changed(name: str) -> None:
    record = EXAMPLES[name]
    for entry in dataclasses.fields(record):
        value = getattr(record, entry.name)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, entry.name, value)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0
    with pytest.raises(TypeError):
        record.provenance["model"] = "another"  # type: ignore[index]


def test_a_record_does_not_share_what_it_was_given() -> None:
    values, nested = np.eye(2), {"list": [1, 2]}
    record = Matrix(
        values=values, rows=("a", "b"), columns=("c", "d"), row_title="", column_title="", unit="", provenance=nested
    )
    values[0, 0] = 7
    nested["list"].append(3)
    assert record.values[0, 0] == 1
    assert record.provenance["list"] == (1, 2)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("image", "sample_ids", ("only one",)),
        ("image", "f_x", np.zeros(3)),
        ("curve", "labels", ("one",)),
        ("curve", "band", np.zeros((2, 3))),
        ("matrix", "values", np.zeros((3, 2))),
        ("surface", "loss", np.zeros((21, 17))),
        ("embedding", "share", np.zeros(3)),
        ("score", "control", np.zeros((2, 3))),
        ("table", "rows", (("one",),)),
    ],
)
def test_fields_that_do_not_fit_are_refused(name: str, field: str, value: object) -> None:
    with pytest.raises(ValueError, match="has shape"):
        dataclasses.replace(EXAMPLES[name], **{field: value})


def test_a_table_needs_as_many_cells_as_columns() -> None:
    with pytest.raises(ValueError, match="cells"):
        dataclasses.replace(EXAMPLES["table"], rows=(("a",), ("b",), ("c",)))


def test_axes_must_describe_the_values() -> None:
    with pytest.raises(ValueError, match="do not describe"):
        dataclasses.replace(EXAMPLES["image"], axes=("sample", "height", "width"))


def test_sum_keeps_completeness_and_says_what_was_done() -> None:
    record = record_examples.image(channels=3)
    flat = record.sum("channel")
    assert flat.axes == ("sample", "height", "width")
    assert flat.steps == ("sum over channel",)
    np.testing.assert_allclose(flat.completeness_gap, record.completeness_gap, atol=1e-5)
    with pytest.raises(ValueError, match="not an axis"):
        flat.sum("channel")


def test_take_keeps_everything_of_one_sample() -> None:
    record = record_examples.image(count=3)
    one = record.take(1)
    assert one.sample_ids == ("test:1",)
    np.testing.assert_array_equal(one.values[0], record.values[1])
    np.testing.assert_allclose(one.completeness_gap, record.completeness_gap[1:2])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_file_gives_back_the_same_record(name: str, ending: str, tmp_path: Path) -> None:
    record = EXAMPLES[name]
    loaded = load_record(save_record(record, tmp_path / f"r{ending}"))
    assert same(record, loaded)
    assert digest(record) == digest(loaded)
    assert os.listdir(tmp_path) == [f"r{ending}"]


@given(
    values=arrays_of.arrays(
        dtype=st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.int8, np.uint8, np.bool_]),
        shape=arrays_of.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=4),
    ),
    title=st.text(),
    free=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.tuples(inner, inner) | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner),
        max_leaves=8,
    ),
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_values_come_back(
    values: np.ndarray, title: str, free: object, ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [tuple(str(i) for i in range(n)) for n in values.shape]
    record = Matrix(
        title=title.encode("utf-8", "replace").decode(),
        values=values,
        rows=names[0],
        columns=names[1],
        row_title="",
        column_title="",
        unit="",
        provenance={"free": _encodable(free)},
    )
    path = tmp_path_factory.mktemp("any") / f"r{ending}"
    assert same(record, load_record(save_record(record, path)))


def _encodable(value: object) -> object:
    """Lone surrogates are not text that any file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, tuple):
        return tuple(map(_encodable, value))
    return {key: _encodable(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_layouts_of_memory_do_not_matter(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    plain, turned = (
        Matrix(values=v, rows=tuple("abc"), columns=tuple("wxyz"), row_title="", column_title="", unit="")
        for v in (values, np.asfortranarray(values))
    )
    big_endian = dataclasses.replace(plain, values=values.astype(">f8"))
    assert fingerprint(plain) == fingerprint(turned) == fingerprint(big_endian)
    for record in (turned, big_endian):
        loaded = load_record(save_record(record, tmp_path / "r.safetensors"))
        np.testing.assert_array_equal(loaded.values, values)  # type: ignore[attr-defined]


def test_any_nan_is_the_same_nan(tmp_path: Path) -> None:
    odd = np.array([[0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000]], dtype=np.uint64).view(np.float64)
    record = Matrix(values=odd, rows=("a",), columns=("b", "c"), row_title="", column_title="", unit="")
    plain = dataclasses.replace(record, values=np.full((1, 2), np.nan))
    assert fingerprint(record) == fingerprint(plain)
    for ending in ENDINGS:
        assert same(load_record(save_record(record, tmp_path / f"r{ending}")), plain)


def test_the_digest_ignores_seconds_and_nothing_else() -> None:
    record = record_examples.image()
    assert digest(dataclasses.replace(record, seconds=9.0)) == digest(record)
    assert fingerprint(dataclasses.replace(record, seconds=9.0)) != fingerprint(record)
    changed = record.values.copy()
    changed[0, 0, 0, 0] = np.nextafter(changed[0, 0, 0, 0], np.float32(9))
    for change in ({"values": changed}, {"seed": 1}, {"parameters": {"n_steps": 33}}, {"title": "x"}):
        assert digest(dataclasses.replace(record, **change)) != digest(record)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_refused(ending: str, share: float, tmp_path: Path) -> None:
    path = save_record(EXAMPLES["image"], tmp_path / f"r{ending}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="cut short"):
        load_record(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_altered_byte_is_accepted(ending: str, tmp_path: Path) -> None:
    record = EXAMPLES["image"]
    path = save_record(record, tmp_path / f"r{ending}")
    whole = path.read_bytes()
    for position in np.random.default_rng(0).integers(len(whole), size=300):
        altered = bytearray(whole)
        altered[position] ^= 1
        path.write_bytes(bytes(altered))
        with contextlib.suppress(InputError):
            assert same(load_record(path), record), f"byte {position} was altered and went unnoticed"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": "another", "record": "image", "fields": {}, "arrays": {}}',
        json.dumps({"format": FORMAT, "record": "nothing", "fields": {}, "arrays": {}}).encode(),
        json.dumps({"format": FORMAT, "record": "image", "fields": [], "arrays": []}).encode(),
        json.dumps(
            {"format": FORMAT, "record": "matrix", "fields": {"values": {"$array": "x"}}, "arrays": {}}
        ).encode(),
        b'{"format": ' + b"9" * 10_000 + b"}",
    ],
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_foreign_files_are_refused(content: bytes, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"r{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a record"):
        load_record(path)


def test_someone_elses_safetensors_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, tmp_path / "w.safetensors")
    save_file({"weight": np.zeros(3)}, tmp_path / "m.safetensors", {"record": "[1, 2]"})
    for name in ("w", "m"):
        with pytest.raises(InputError, match="not a record"):
            load_record(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("axes", ["sample", "channel", "height"]),
        ("seed", "0"),
        ("seconds", True),
        ("target", {"of": "predicted", "output": "loudness"}),
        ("classes", [0, 1]),
        ("evidence", 3),
        ("title", None),
    ],
)
def test_fields_of_the_wrong_type_are_refused(field: str, value: object, tmp_path: Path) -> None:
    content = to_json(EXAMPLES["image"])
    content["fields"][field] = value
    path = tmp_path / "r.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a record"):
        load_record(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(InputError, match="bytes"):
        load_record(path)


def test_paths_that_cannot_be(tmp_path: Path) -> None:
    record = EXAMPLES["matrix"]
    with pytest.raises(InputError, match="cannot be read"):
        load_record(tmp_path / "absent.json")
    with pytest.raises(InputError, match="does not end in"):
        save_record(record, tmp_path / "r.pkl")
    with pytest.raises(InputError, match="does not exist"):
        save_record(record, tmp_path / "nowhere" / "r.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        save_record(record, tmp_path / "folder.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_record(tmp_path / "folder.json")
    assert os.listdir(tmp_path) == ["folder.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_record(EXAMPLES["matrix"], tmp_path / "r.json")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        save_record(EXAMPLES["curve"], path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.json"]


def test_what_a_file_cannot_hold_is_refused_when_it_is_saved(tmp_path: Path) -> None:
    for odd in ({"f": object()}, {"$number": "nan"}, {"f": {1: 2}}, {"array": np.zeros(2)}):
        record = dataclasses.replace(EXAMPLES["curve"], provenance=odd)
        with pytest.raises(ValueError, match="provenance"):
            save_record(record, tmp_path / "r.json")
    with pytest.raises(ValueError, match="cannot be stored"):
        save_record(dataclasses.replace(EXAMPLES["matrix"], values=np.full((3, 3), "x")), tmp_path / "r.safetensors")
    assert os.listdir(tmp_path) == []


def test_json_is_strict_and_readable() -> None:
    for record in EXAMPLES.values():
        text = json.dumps(to_json(record), allow_nan=False)
        content = json.loads(text)
        assert content["record"] == record.name
    fields = to_json(EXAMPLES["image"])["fields"]
    assert fields["target"] == {"of": "predicted", "output": "logit"}


def test_types_of_the_contract() -> None:
    assert issubclass(Attribution, Record)
    assert Curve.name == "curve"
    assert Table.name == "table"
