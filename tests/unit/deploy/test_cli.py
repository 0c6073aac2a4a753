"""The commands as a user meets them when something is not as it should be: one line, a code, exit status 1."""

import json
import os
import pwd
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bus import telemetry
from bus.errors import InvalidRequest
from bus.messages import TaskRef, TaskRequest, TaskStatus
from deploy.cli import app
from deploy.cli.agents import read_hosts, wished
from deploy.cli.asking import checked_request, options, task_fields
from deploy.cli.explain import asked
from deploy.cli.labels import label_changes
from deploy.cli.logs import Tail, readable
from deploy.cli.maintenance import wished as wished_window
from deploy.cli.nats_context import configuration, context, write
from deploy.local import log_file
from deploy.local.log_file import rotate


@pytest.fixture(autouse=True)
def no_hive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NATS_URL", "")
    monkeypatch.setenv("HIVE_CONFIG", "")
    # The runner's standard error ends with each call; logging stays with the test session's.
    monkeypatch.setattr(telemetry, "configure", lambda *_: None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["login"],
        ["upgrade"],
        ["upgrade", "--check"],
        ["nats-context"],
        ["agents"],
        ["agents", "remove", "acacia"],
        ["agents", "drain", "acacia"],
        ["maintenance"],
        ["maintenance", "plan", "cables", "--everything", "--minutes", "5"],
        ["agents", "health", "acacia"],
        ["agents", "benchmark", "acacia"],
        ["keys"],
        ["keys", "list"],
        ["task", "list"],
        ["schedule"],
        ["schedule", "list"],
        ["schedule", "next", "@daily"],
        ["task", "submit", "Hi"],
        ["explain", "Hi"],
    ],
)
def test_without_a_hive_every_command_says_how_to_get_one(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error [unavailable]: No hive runs on ")
    assert "hive up" in result.stderr
    assert result.stderr.count("\n") == 1


def test_down_without_a_hive_is_done_already() -> None:
    result = CliRunner().invoke(app, ["down", "--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"stopped": False})


def test_a_setting_that_is_not_valid_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_API_PORT", "eighty")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error [invalid_request]: A setting is not valid: `api_port`")


def test_a_file_that_names_no_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hive.yaml").write_text("api_prot: 1\nretain_days: 3\nnats_url: nats://a:1\n")
    monkeypatch.setenv("HIVE_CONFIG", str(tmp_path / "hive.yaml"))
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "hive.yaml names what is no setting: api_prot." in result.stderr


def test_up_refuses_a_setting_of_any_service_before_it_starts_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_RETAIN_DAYS", "-1")
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error [invalid_request]: A setting is not valid: `retain_days`")
    assert not (tmp_path / "data").exists()


def test_a_bus_that_does_not_answer_is_told_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:9")
    monkeypatch.setattr("deploy.cli.connection.CONNECT_SECONDS", 0.2)
    result = CliRunner().invoke(app, ["agents"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error [bus_unavailable]: ")


def test_every_command_explains_itself() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert command.help or command.callback.__doc__


def test_options_are_json_where_they_are_and_text_where_not() -> None:
    assert options(["num_predict=64", "stop=END", "temperature=0.5", 'format={"type": "object"}', "seed=true"]) == {
        "num_predict": 64,
        "stop": "END",
        "temperature": 0.5,
        "format": {"type": "object"},
        "seed": True,
    }
    with pytest.raises(InvalidRequest, match="name=value"):
        options(["num_predict"])


def test_what_a_door_would_refuse_is_refused_before_it_is_sent() -> None:
    assert checked_request(prompt="Hi", priority="high", model=None).priority == 1
    with pytest.raises(InvalidRequest, match="priority"):
        checked_request(prompt="Hi", priority=9)


def test_a_status_that_there_is_not_is_refused_by_name() -> None:
    result = CliRunner().invoke(app, ["task", "list", "--status", "done"])
    assert result.exit_code == 2
    assert all(status in result.stderr for status in TaskStatus)


def test_labels_are_given_by_name_and_value_and_taken_back_by_a_dash() -> None:
    assert label_changes(["site=attic", "note=a=b-", "quiet-", "empty="]) == {
        "site": "attic",
        "note": "a=b-",
        "quiet": None,
        "empty": "",
    }
    with pytest.raises(InvalidRequest, match="name=value"):
        label_changes(["site"])


def test_a_window_lasts_until_a_local_time_or_for_minutes_and_names_whom_it_is_for() -> None:
    begin = datetime(2026, 11, 23, 20)
    nobody: dict[str, Any] = {"everything": False, "begin": begin, "until": None, "minutes": 90}
    window = wished_window("cables", [], ["site=attic"], **nobody)
    assert (window.starts_at, window.ends_at) == (begin.astimezone(UTC), begin.astimezone(UTC) + timedelta(minutes=90))
    assert window.labels == {"site": "attic"}
    with pytest.raises(InvalidRequest, match="one of the three"):
        wished_window("cables", [], [], **nobody)
    with pytest.raises(InvalidRequest, match="one of the two"):
        wished_window("cables", ["acacia"], [], **{**nobody, "until": begin + timedelta(hours=1)})


def hosts(tmp_path: Path, text: str) -> Path:
    (tmp_path / "hosts.yaml").write_text(text)
    return tmp_path / "hosts.yaml"


@pytest.mark.parametrize("above", ["", "hosts:\n"])
def test_hosts_are_a_yaml_list_of_addresses_or_of_more(tmp_path: Path, above: str) -> None:
    file = hosts(tmp_path, above + "- http://a:11434\n- url: http://b:8000/v1\n  slots: 4\n  labels: {room: cellar}\n")
    first, second = read_hosts(file)
    assert first.url == "http://a:11434"
    assert (second.slots, second.labels) == (4, {"room": "cellar"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://a:11434", "not a list"),
        ("- url: http://a\n  slot: 4\n", "`slot` is not a field"),
        ("- [", "not YAML"),
        ("- 7", "hosts.yaml"),
    ],
)
def test_a_file_that_is_no_list_of_hosts_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        read_hosts(hosts(tmp_path, text))


def test_a_key_comes_from_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-1\n")
    (host,) = wished(["http://a:8000"], file)
    assert host.key is not None
    assert host.key.get_secret_value() == "sk-1"
    assert "sk-1" not in repr(host)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        wished(["http://a:8000"], tmp_path / "none")


def test_an_address_with_a_key_in_it_is_refused_without_repeating_the_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="`key`") as caught:
        wished(["http://:sk-secret@a:8000"], None)
    assert "secret" not in caught.value.message
    with pytest.raises(InvalidRequest, match="`key`") as caught:
        read_hosts(hosts(tmp_path, "- http://a:8000?key=sk-secret\n"))
    assert "secret" not in caught.value.message


def test_a_json_line_is_shown_as_a_sentence_and_others_as_they_are() -> None:
    line = '{"timestamp": "2026-11-23T05:31:17.901051Z", "level": "warning", "service": "gui", "event": "away", "after": 3}'
    assert readable("gui", line).plain == "gui           2026-11-23T05:31:17.901 warning away after=3"
    assert readable("nats", "[1] [INF] Server is ready").plain == "nats          [1] [INF] Server is ready"


def test_a_tail_goes_on_in_the_new_file_when_a_log_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "MAX_LOG_BYTES", 10)
    log = tmp_path / "gui.log"
    log.write_text("one\ntwo\nthree\n")
    with closing(Tail(log, lines=2)) as tail:
        assert tail.new() == ["two", "three"]
        with log.open("a") as file:
            file.write("four\nhal")
        assert tail.new() == ["four"]
        with log.open("a") as file:
            file.write("f\n")
            file.flush()
            rotate(log)
            file.write("new\n")
        assert tail.new() == ["half", "new"]
        with log.open("a") as file:
            file.write("and a longer one than all that was there before\n")
        assert tail.new() == ["and a longer one than all that was there before"]


def test_the_nats_context_keeps_the_password_out_of_the_address(tmp_path: Path) -> None:
    assert context("nats://hive:h%40x@127.0.0.1:4222,nats://hive:h%40x@b:4222") == {
        "description": "Hive",
        "url": "nats://127.0.0.1:4222,nats://b:4222",
        "user": "hive",
        "password": "h@x",
    }


def test_the_nats_context_is_selected_only_where_none_is(tmp_path: Path) -> None:
    assert write("nats://hive:x@a:1", tmp_path).selected
    (tmp_path / "context.txt").write_text("mine")
    written = write("nats://hive:y@a:1", tmp_path)
    assert not written.selected
    assert (tmp_path / "context.txt").read_text() == "mine"
    assert json.loads(written.path.read_text())["password"] == "y"
    assert written.path.stat().st_mode & 0o077 == 0


def test_the_nats_context_is_where_the_nats_cli_looks_whatever_home_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert configuration() == home / ".config" / "nats"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    assert configuration() == tmp_path / "settings" / "nats"
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # who is nobody here
    assert configuration() == tmp_path / ".config" / "nats"


@pytest.mark.parametrize("verb", ["pull", "load", "unload", "delete"])
def test_an_order_about_a_model_says_which_agents_it_is_for(verb: str) -> None:
    result = CliRunner().invoke(app, ["models", verb, "smollm2:135m"])
    assert result.exit_code == 1
    assert "--on AGENT" in result.stderr


def test_explain_takes_a_task_s_id_or_a_prompt() -> None:
    task_id = "199773cb-7391-48dd-ab49-5d29b022ab42"
    verb, named = asked(task_id, {})
    assert (verb, str(named.id) if isinstance(named, TaskRef) else None) == ("explain", task_id)
    verb, tried = asked("Say hello.", {"model": "qwen3:8b", "priority": "high", "session": None})
    assert isinstance(tried, TaskRequest)
    assert (verb, tried.prompt, tried.model, tried.priority) == ("preview", "Say hello.", "qwen3:8b", 1)


def test_what_an_agent_must_offer_is_asked_for_in_words() -> None:
    asked_for = task_fields("qwen3:8b", ["site=cellar"], ["code=0.8", "vision=1"], 24, "2", ["num_predict=8"])
    request = checked_request(prompt="Hi", **asked_for)
    assert (request.model, request.priority, request.options) == ("qwen3:8b", 2, {"num_predict": 8})
    assert request.require.model_dump() == {
        "labels": {"site": "cellar"},
        "capabilities": {"code": 0.8, "vision": 1},
        "vram_gb": 24,
    }


@pytest.mark.parametrize("words", [["explain", "Hi"], ["task", "submit", "Hi"], ["schedule", "add", "nightly", "@daily", "Hi"]])
@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--label", "cellar"], "The label cellar has no value"),
        (["--capability", "code"], "The capability code has no least proficiency"),
        (["--capability", "code=much"], "The capability code=much has no least proficiency"),
        (["--capability", "=0.5"], "The capability =0.5 has no least proficiency"),
        (["--capability", "code=nan"], "require.capabilities.code"),
        (["--vram", "-1"], "require.vram_gb"),
        (["--priority", "9"], "priority"),
        (["--option", "num_predict"], "The option num_predict has no value"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(words: list[str], option: list[str], told: str) -> None:
    result = CliRunner().invoke(app, [*words, *option])
    assert result.exit_code == 1
    assert told in result.stderr.replace("\n", " ")


def test_a_window_names_whom_it_is_for_in_the_words_of_the_command() -> None:
    result = CliRunner().invoke(app, ["maintenance", "plan", "cables", "--minutes", "5"])
    assert result.exit_code == 1
    assert "Say who rests with --agent, with --label, or with --everything" in result.stderr
