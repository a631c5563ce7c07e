from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.config import (
    ConfigError,
    PostmanConfig,
    get_field,
    load_config,
    save_config,
    set_field,
    update_config,
)
from tasks.postman.config_file import parse_config
from tasks.postman.spelling import Choice

ID = "6c2f2d0e-5d1b-4a57-9f5c-1f6c7f0b9a42"
OTHER = "0f6a2a1e-4a65-4a0e-9d0e-2b6c5a0b7a11"
UID = f"12345678-{ID}"


def load(raw: Any, **choice: str) -> PostmanConfig:
    """Load a configuration from data."""
    return parse_config(json.dumps(raw, indent=2).encode(), ".postman.json", Choice(**choice)).config


def problems(raw: Any, **choice: str) -> list[tuple[int, str]]:
    """Answer the line and the path of each problem, as errors stand in the file."""
    text = raw if isinstance(raw, str) else json.dumps(raw, indent=2)
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), ".postman.json", Choice(**choice))
    return [(problem.line, problem.path) for problem in caught.value.problems]


# -- Configuration Loading Completeness --------------------------------------------------------------------------------

ids = st.uuids().map(str) | st.builds("{}-{}".format, st.integers(1, 99_999_999), st.uuids())
legacy = st.integers(16**23, 16**28).map("{:024x}".format)
urls = st.builds("{}://{}{}".format, st.sampled_from(["http", "https"]), st.sampled_from(["localhost", "api.test"]),
                 st.sampled_from(["", ":8000", ":8123/base", "/v1"]))  # fmt: skip
free = st.dictionaries(st.sampled_from(["owner", "passed", "when"]), st.integers() | st.text(max_size=5), max_size=3)


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a configuration says, whatever its shape."""
    return {
        "workspace_id": draw(st.none() | st.uuids().map(str)),
        "collection_id": draw(ids | legacy),
        "environment_id": draw(st.none() | ids),
        "base_url": draw(urls),
        "test_results": draw(free),
        "metadata": draw(free),
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


SPELLINGS = (str, _camel, lambda name: name.replace("_", "-"), str.upper)


def _flat(says: dict[str, Any]) -> dict[str, Any]:
    return dict(says)


def _nested(says: dict[str, Any]) -> dict[str, Any]:
    return {
        "workspace": {"id": says["workspace_id"], "name": "W"},
        "collection": {"uid": says["collection_id"], "id": ID},
        "environment": {"id": says["environment_id"]},
        "project": {"base_url": says["base_url"]},
        **{name: says[name] for name in ("test_results", "metadata")},
    }


def _maps(says: dict[str, Any]) -> dict[str, Any]:
    return {
        "workspace_id": says["workspace_id"] or "",
        "collections": {"only": says["collection_id"]},
        "environments": {"local": says["environment_id"], "live": None},
        **{name: says[name] for name in ("base_url", "test_results", "metadata")},
    }


def _lists(says: dict[str, Any]) -> dict[str, Any]:
    environment = {"name": "local", "uid": says["environment_id"], "base_url": says["base_url"]}
    return {
        "workspace": {"id": says["workspace_id"]},
        "collections": [{"name": "only", "id": None, "uid": says["collection_id"]}],
        "environments": [environment] if says["environment_id"] else [],
        **({} if says["environment_id"] else {"base_url": says["base_url"]}),
        **{name: says[name] for name in ("test_results", "metadata")},
    }


def _registry(says: dict[str, Any]) -> dict[str, Any]:
    chosen = {"collection": "users", "environment": "live" if says["environment_id"] else None, "workspace": "mine"}
    return {
        "version": "0.1",
        "project": {"base_url": says["base_url"]},
        "default": chosen if says["workspace_id"] else {**chosen, "workspace": ""},
        "workspaces": {"mine": {"id": says["workspace_id"]}} if says["workspace_id"] else {},
        "collections": {"other": OTHER, "users": {"id": says["collection_id"], "name": "Users"}},
        "environments": {"live": says["environment_id"]} if says["environment_id"] else {},
        **{name: says[name] for name in ("test_results", "metadata")},
    }


def _exported(says: dict[str, Any]) -> dict[str, Any]:
    return {"info": {"name": "Users"}, "item": [], **says}


SHAPES = (_flat, _nested, _maps, _lists, _registry, _exported)
NAMES = {"workspace_id", "collection_id", "environment_id", "base_url", "test_results", "metadata"}


def _respelled(raw: Any, spell: Any) -> Any:
    """Spell every known key anew; names that people gave are left as they are."""
    if isinstance(raw, list):
        return [_respelled(each, spell) for each in raw]
    if not isinstance(raw, dict):
        return raw
    return {(spell(key) if key in NAMES else key): _respelled(inner, spell) for key, inner in raw.items()}


@given(valid(), st.sampled_from(SHAPES), st.sampled_from(SPELLINGS))
def test_any_valid_configuration_loads_to_the_same_values(says: dict[str, Any], shape: Any, spell: Any) -> None:
    """Whatever the shape and the spelling, what a configuration says is what it is loaded as."""
    config = load(_respelled(shape(says), spell))

    assert says == {name: getattr(config, name) for name in says}


@given(valid(), st.sampled_from(SHAPES))
def test_what_is_saved_loads_equal(tmp_path_factory: pytest.TempPathFactory, says: dict[str, Any], shape: Any) -> None:
    """Saving over the file it came from, or beside it, changes nothing that is read."""
    folder = tmp_path_factory.mktemp("config")
    over, beside = folder / ".postman.json", folder / "new" / ".postman.json"
    beside.parent.mkdir()
    over.write_text(json.dumps({**shape(says), "x": {"kept": [1, None]}}), encoding="utf-8")
    config = load_config(over)

    save_config(config, over)
    save_config(config, beside)

    assert [config, config] == [load_config(over), load_config(beside)]
    assert {"kept": [1, None]} == json.loads(over.read_text(encoding="utf-8"))["x"]


SAMPLES: dict[str, dict[str, Any]] = {
    "flat": {"workspaceId": OTHER, "collectionId": ID, "collectionUid": UID, "environmentId": OTHER,
             "baseUrl": "http://localhost:8000", "metadata": {"owner": "me"}},
    "snake": {"workspace_id": OTHER, "collection_id": ID, "environment_id": OTHER, "base_url": "http://localhost:8000",
              "test_results": {"passed": 3, "names": ["a", "b"]}},
    "nested": {"workspace": {"id": OTHER}, "collection": {"id": ID, "uid": UID}, "project": {"baseUrl": "http://x.test"}},
    "lists": {"collections": [{"id": ID, "uid": UID, "name": "c"}], "environments": [{"uid": OTHER, "name": "local"}]},
    "registry": {"default": {"collection": "users"}, "collections": {"users": UID, "posts": OTHER}},
    "files": {"collection_file": "a.json", "environment_file": "b.json", "unknown": {"deep": [True, None, 1.5]}},
}  # fmt: skip


def _leaves(raw: Any) -> Iterator[str]:
    if isinstance(raw, dict):
        for key, inner in raw.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(raw, list):
        for inner in raw:
            yield from _leaves(inner)
    else:
        yield json.dumps(raw)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_deleted_byte_is_harmless_or_told_on_its_line(name: str) -> None:
    """Without any one byte a file says the same, or the same with one free text shortened, or its line is told."""
    text = json.dumps(SAMPLES[name], indent=2)
    whole = parse_config(text.encode(), "c", Choice()).config.model_dump_json()
    wrong: list[str] = []
    for at in range(len(text)):
        cut = text[:at] + text[at + 1 :]
        line = text.count("\n", 0, at) + 1
        try:
            config = parse_config(cut.encode(), "c", Choice()).config
        except ConfigError as error:
            if line not in [problem.line for problem in error.problems] and not _is_name(text, at):
                wrong.append(f"{at} on line {line}: {error}")
        else:
            dumped = config.model_dump_json()
            if dumped != whole and not _one_text_shortened(SAMPLES[name], cut):
                wrong.append(f"{at} on line {line}: {dumped}")

    assert [] == wrong


def _is_name(text: str, at: int) -> bool:
    """Answer whether a byte is in a name that people gave: what refers to it fails where it refers."""
    line = text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0]
    return any(f'"{name}"' in line for name in ("users", "posts", "local", "c"))


def _one_text_shortened(raw: Any, cut: str) -> bool:
    """Answer whether the cut file is valid JSON that differs in exactly one text, number or name of the author's."""
    before, after = list(_leaves(raw)), list(_leaves(json.loads(cut)))
    differ = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    if len(differ) != 1 or len(differ[0][0]) != len(differ[0][1]) + 1:
        return False
    one, other = (text.strip('"') for text in differ[0])
    # Of a uid the owner's number may be any; of an id a dash may be missing. Else an id is no free text.
    return other.endswith(ID) or one.replace("-", "") == other.replace("-", "") or not one.endswith((ID, OTHER))


CHANGED_TYPES = (7, True, ["x"], {"x": 1}, "some text")


def _spots(raw: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, inner in items:
        yield from _spots(inner, (*path, key))


def _changed(raw: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    copy: Any = dict(raw) if isinstance(raw, dict) else list(raw)
    copy[path[0]] = _changed(raw[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("name", SAMPLES)
def test_a_changed_type_is_harmless_or_told_on_its_line(name: str) -> None:
    """A value of another type is kept where anything is, and else an error at that value or inside of it."""
    raw = SAMPLES[name]
    whole = load(raw)
    wrong: list[str] = []
    for path in _spots(raw):
        before: Any = raw
        for step in path:
            before = before[step]
        for value in CHANGED_TYPES:
            if type(value) is type(before) or (path[0] in ("metadata", "test_results", "unknown") and len(path) > 1):
                continue
            pointed = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            try:
                config = load(_changed(raw, path, value))
            except ConfigError as error:
                if not any(problem.path.startswith(pointed) for problem in error.problems):
                    wrong.append(f"{pointed} = {value!r}: {error}")
            else:
                fields = PostmanConfig.model_fields
                if any(getattr(config, each) != getattr(whole, each) for each in fields) and path[-1] != "name":
                    wrong.append(f"{pointed} = {value!r} was taken: {config!r}")

    assert [] == wrong


def test_a_uid_wins_over_an_id_wherever_they_stand() -> None:
    """Flat, nested and in lists; what says both says the same collection twice."""
    both = {"id": ID, "uid": UID, "name": "c"}
    shapes: list[dict[str, Any]] = [
        {"collectionId": ID, "collectionUid": UID},
        {"collection": both},
        {"collections": [both]},
        {"collections": {"c": both}},
        {"default": {"collection": "c"}, "collections": {"other": OTHER, "c": both}},
    ]

    assert [UID] * len(shapes) == [load(raw).collection_id for raw in shapes]


def test_null_and_empty_are_as_if_they_were_not_there() -> None:
    """A template that was never filled in says nothing."""
    raw: dict[str, Any] = {
        "workspaceId": None,
        "collectionId": "",
        "environmentId": None,
        "collections": [],
        "environment": {"id": ""},
    }

    assert PostmanConfig() == load({name: value for name, value in raw.items() if name != "environment"})
    assert load(raw).environment_id is None


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once_where_they_stand() -> None:
    """One reading tells everything, in the order of the file."""
    raw = {"colection_id": ID, "base_url": "ftp://x", "workspace_id": "12", "api_key": "short", "test_results": 5}

    expected = [
        (2, "$.colection_id"),
        (3, "$.base_url"),
        (4, "$.workspace_id"),
        (5, "$.api_key"),
        (6, "$.test_results"),
    ]
    assert expected == problems(raw)


def test_a_misspelt_key_names_the_right_one() -> None:
    """A key one slip away from one we know is an error: to ignore it would be to verify another backend."""
    with pytest.raises(ConfigError, match="did you mean `base_url`"):
        load({"collection_id": ID, "base_ulr": "http://x.test"})


def test_several_collections_and_no_default_are_listed() -> None:
    """Nobody but the author can choose, so the message lists them and says how to."""
    with pytest.raises(ConfigError) as caught:
        load({"collections": {"users": ID, "posts": OTHER}})

    assert f"users ({ID}), posts ({OTHER})" in str(caught.value)
    assert "`collection: NAME` in the graph" in str(caught.value)
    assert OTHER == load({"collections": {"users": ID, "posts": OTHER}}, collection="posts").collection_id


def test_a_name_that_does_not_exist_lists_those_that_do() -> None:
    """A default that names nothing is an error where it stands."""
    raw = {"default": {"collection": "usres"}, "collections": {"users": ID, "posts": OTHER}}

    assert [(3, "$.default.collection")] == problems(raw)


def test_a_key_written_twice_is_told_at_both_places() -> None:
    """JSON would keep the last in silence."""
    assert [(2, "$.base_url"), (3, "$.base_url")] == problems(
        '{\n"base_url": "http://a.test",\n"base_url": "http://b.test"}'
    )


@pytest.mark.parametrize("text", ["", "[]", "7", '"x"', "nonsense", "\x00", "[" * 10_000])
def test_what_is_no_object_is_an_error(text: str) -> None:
    """Whatever the file holds, it is a problem with a place, and never another exception."""
    assert [1] == [line for line, _ in problems(text)]


def test_bytes_that_are_no_text_are_told_on_their_line() -> None:
    """UTF-8 is what JSON is written in."""
    with pytest.raises(ConfigError) as caught:
        parse_config(b'{\n"base_url": "http://\xff"}', "c", Choice())

    assert [2] == [problem.line for problem in caught.value.problems]


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_in_the_file_is_a_warning_and_never_shown_or_written(tmp_path: Path) -> None:
    """It is easily shared; saving takes it out."""
    file = tmp_path / ".postman.json"
    file.write_text(json.dumps({"collection_id": ID, "postman_api_key": "PMAK-very-secret"}), encoding="utf-8")
    loaded = parse_config(file.read_bytes(), "c", Choice())

    save_config(loaded.config, file)

    assert ["$.postman_api_key"] == [warning.path for warning in loaded.warnings]
    assert "very-secret" not in f"{loaded} {loaded.config.model_dump()} {file.read_text(encoding='utf-8')}"


# -- fields ------------------------------------------------------------------------------------------------------------


KEY = "PMAK-0123456789abcdef-in-the-wrong-place"
MISTAKEN: list[dict[str, Any]] = [
    {"collection_id": KEY},
    {"collections": {"users": KEY}},
    {"collections": [{"uid": KEY}]},
    {"workspace": {"id": KEY}},
    {"base_url": KEY},
    {"project": {"baseUrl": f" {KEY}"}},
    {"environmentUid": KEY, "postman_api_key": 7},
]


@pytest.mark.parametrize("raw", MISTAKEN, ids=str)
def test_a_key_in_the_place_of_something_else_is_not_shown(raw: dict[str, Any]) -> None:
    """What people mix up is told, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        parse_config(json.dumps(raw).encode(), ".postman.json", Choice())

    assert KEY[5:] not in str(caught.value)
    assert "key of the Postman API" in str(caught.value)


def test_fields_are_read_and_changed_by_name_also_inside() -> None:
    """A dot goes one level down; a configuration itself never changes."""
    config = load({"collection_id": ID, "metadata": {"owner": {"name": "me"}}})

    changed = set_field(set_field(config, "metadata.owner.team", "us"), "base_url", "https://x.test/")

    assert ("me", None) == (get_field(config, "metadata.owner.name"), get_field(config, "metadata.owner.team"))
    assert ("us", "https://x.test") == (get_field(changed, "metadata.owner.team"), changed.base_url)
    with pytest.raises(ValueError, match="base_url: 'nowhere' must begin with"):
        set_field(config, "base_url", "nowhere")


def test_a_change_replaces_what_stood_elsewhere_and_keeps_the_rest(tmp_path: Path) -> None:
    """The new value is the only one left, and what nobody knows stays as it was."""
    file = tmp_path / ".postman.json"
    raw = {"collection": {"uid": UID, "id": ID, "name": "Users"}, "note": "keep me", "workspaceId": OTHER}
    file.write_text(json.dumps(raw), encoding="utf-8")

    changed = update_config(file, collection_id=OTHER)

    assert OTHER == changed.collection_id
    expected = {"collection": {"name": "Users"}, "note": "keep me", "workspaceId": OTHER, "collection_id": OTHER}
    assert expected == json.loads(file.read_text(encoding="utf-8"))


def test_a_change_that_does_not_fit_leaves_the_file_alone(tmp_path: Path) -> None:
    """A refused update writes nothing, and leaves nothing beside the file."""
    file = tmp_path / ".postman.json"
    file.write_text(json.dumps({"collection_id": ID}), encoding="utf-8")

    with pytest.raises(ValueError, match="no id of Postman's"):
        update_config(file, collection_id="nonsense")

    assert {"collection_id": ID} == json.loads(file.read_text(encoding="utf-8"))
    assert [file] == list(tmp_path.iterdir())


@given(st.uuids())
def test_ids_are_accepted_in_any_case(each: uuid.UUID) -> None:
    """People copy ids from places that write them differently."""
    assert str(each).upper() == load({"collection_id": str(each).upper()}).collection_id


def test_the_url_beside_the_chosen_collection_counts() -> None:
    """Of several services, each with its collection, the one that is run is the one that is verified."""
    services = {
        "users": {"uid": UID, "baseUrl": "http://x.test:1"},
        "posts": {"uid": OTHER, "baseUrl": "http://x.test:2"},
    }

    assert ["http://x.test:1", "http://x.test:2"] == [
        load({"collections": services}, collection=name).base_url for name in services
    ]


def test_urls_that_contradict_each_other_are_told() -> None:
    """The project's wins, and whoever meant the other sees which is used."""
    raw = {"project": {"baseUrl": "http://x.test"}, "collections": {"a": {"uid": UID, "baseUrl": "http://x.test:1"}}}

    loaded = parse_config(json.dumps(raw).encode(), "c", Choice())

    assert "http://x.test" == loaded.config.base_url
    assert [("$.collections.a.baseUrl", "differs from $.project.baseUrl, which is used")] == [
        (each.path, each.message) for each in loaded.warnings
    ]


def test_who_reads_while_it_is_saved_reads_a_whole_file(tmp_path: Path) -> None:
    """The old text stays whole for whoever has it open, the new one is there at once, and nothing lies beside it."""
    file = tmp_path / ".postman.json"
    file.write_text(json.dumps({"collection_id": ID}), encoding="utf-8")
    with file.open(encoding="utf-8") as reader:
        update_config(file, collection_id=OTHER)

        assert {"collection_id": ID} == json.load(reader)
    assert OTHER == load_config(file).collection_id
    assert [file] == list(tmp_path.iterdir())
