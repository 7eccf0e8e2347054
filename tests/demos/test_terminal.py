"""The command on any terminal and with any interruption: no traceback, nothing half-written, at once."""

import io
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import demos
from demos import cli, files, outputs, terminal

ROOT = Path(demos.__file__).parent.parent
QUICK = "weight_grad_trap"


def start(*arguments, code="-m", cwd, **more):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"} | more.pop("env", {})
    command = [sys.executable, code, "demos", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen(command, cwd=cwd, env=environment, **pipes)


def test_a_terminal_without_greek_letters_gets_them_spelled(tmp_path):
    done = start(QUICK, "--seeds=1", "--verbose", cwd=tmp_path, env={"PYTHONIOENCODING": "cp1252"})
    out, err = done.communicate()
    assert (done.returncode, err) == (0, b"")
    assert "<W, dL/dW> / <f, dL/df>" in out.decode("cp1252")
    assert "delta" in out.decode("cp1252")


@pytest.mark.parametrize(
    ("letter", "spelled"),
    [("σ", "sigma"), ("Π", "Pi"), ("√", "sqrt"), ("⁻", "-"), ("₂", "2"), ("ᵀ", "^T"), ("☃", "?")],
)
def test_what_an_encoding_does_not_have_is_spelled(letter, spelled):
    terminal.prepare()
    assert letter.encode("ascii", errors="spelled").decode() == spelled


@pytest.mark.skipif(os.name == "nt", reason="a closed pipe is another error there")
def test_a_reader_that_leaves_ends_it_quietly(tmp_path):
    running = start(QUICK, "--seeds=1", "--verbose", cwd=tmp_path)
    running.stdout.read(1)
    running.stdout.close()
    with running.stderr as said:
        assert said.read() == b""
    assert running.wait() == 141


@pytest.mark.skipif(os.name == "nt", reason="signals are others there")
@pytest.mark.parametrize("whole_group", [True, False], ids=["as a terminal does", "to the process alone"])
def test_ctrl_c_ends_both_jobs_and_leaves_nothing_half_written(tmp_path, whole_group):
    slow = ("he_vs_xavier_depth", "fix_matrix", "--jobs=2", "--save=out")
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs are deaf to it
    running = start(*slow, cwd=tmp_path, start_new_session=True, preexec_fn=heard)
    assert b"[1/2]" in running.stdout.read(8)
    time.sleep(0.5)  # the others have begun
    send = os.killpg if whole_group else os.kill
    send(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert err == b"", "of no process"
    assert b"Stopped." in out
    assert running.returncode == 130
    assert list((tmp_path / "out").iterdir()) == []


def test_a_knob_that_an_experiment_cannot_bear_is_named_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["ioffe_fig1", "--batch", "1", "--save", str(tmp_path)])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "python -m demos: error: ioffe_fig1 cannot run with --batch 1: Expected more than 1"
    )
    assert said.count("\n") == 1


def test_an_error_that_no_knob_explains_is_thrown_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(f"demos.initialization.{QUICK}.run", lambda setup: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main([QUICK, "--save", str(tmp_path)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save", "file"], "--save: cannot write to file: File exists"),
        (["--save", "file/below"], "--save: cannot write to file/below: Not a directory"),
        (["--json", "."], "--json: . is a directory; name a file"),
        (["--json", "file/claims.json"], "--json: cannot write to file: File exists"),
    ],
)
def test_a_place_that_cannot_be_written_is_noticed_before_the_work(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "perform", lambda *_: pytest.fail("it began to work"))
    Path("file").touch()
    with pytest.raises(SystemExit):
        cli.main([QUICK, *arguments])
    assert capsys.readouterr().err == f"python -m demos: error: {message}\n"


def test_a_directory_that_refuses_files_is_noticed(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(outputs.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"--save: cannot write to .*: Permission denied"):
        outputs.check_directory("--save", tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "page.html"
    files.put(path, "σ")
    assert path.read_text(encoding="utf-8") == "σ"
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="full"):
        files.put(path, "half")
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]
    assert path.read_text(encoding="utf-8") == "σ"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_verdicts_have_colours_on_a_terminal_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WT_SESSION", "a terminal of Windows that knows colours")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = "PASS  a claim that cannot FAIL"
    said = []
    for stream in (io.StringIO(), Terminal()):
        monkeypatch.setattr(sys, "stdout", stream)
        terminal.say(text)
        said.append(stream.getvalue())
    assert said == [f"{text}\n", "\x1b[32mPASS\x1b[0m  a claim that cannot FAIL\n"]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.has_colours(Terminal())


def test_one_exercise_can_be_asked_for_by_name(tmp_path):
    def ask(*names):
        command = [sys.executable, "-m", "demos.exercises", *names]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
        )

    one = ask("residual")
    assert "\nresidual\n" in one.stdout
    assert "layer_norm" not in one.stdout
    assert "of 1 exercises" in one.stdout
    wrong = ask("residul")
    assert wrong.returncode == 2
    assert wrong.stderr == "There is no exercise 'residul': did you mean residual?\n"
