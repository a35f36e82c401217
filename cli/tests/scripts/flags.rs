//! The flags themselves: help, completions, the man page, and what is said of a slip.

use std::process::{Command, Stdio};

use crate::ended;
use crate::place::Place;

const FLAGS: &str = "--prompt --model --base-url --api-key --verbose --continue --resume --fork --mode --yes \
    --allowed-tools --disallowed-tools --trust --sandbox --add-dir --allow-net --output-format --input-format --include-partial-messages \
    --output-schema --output --max-turns --append-system-prompt --help --version";
const COMMANDS: &str = "demo sessions config doctor completions man";

fn said(args: &[&str]) -> String {
    let (code, stdout, stderr) = ended(&mut Place::new().bare(args));
    assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}");
    stdout
}

#[test]
fn help_is_short_and_names_everything() {
    for flag in ["--help", "-h"] {
        let help = said(&[flag]);
        assert!(help.lines().count() <= 80, "{}", help.lines().count());
        for line in help.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        for name in FLAGS.split_whitespace().chain(COMMANDS.split_whitespace()) {
            assert!(help.contains(name), "{name}");
        }
        assert!(help.contains("Exit codes: 0"), "{help}");
    }
}

#[test]
fn completions_are_what_their_shell_understands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let text = said(&["completions", shell]);
        for name in ["corecoder", "allowed-tools", "output-schema", "doctor"] {
            assert!(text.contains(name), "{shell}: {name}");
        }
        place.brings(shell, &text);
    }
    let bash = Command::new("bash")
        .arg("-n")
        .arg(place.project("bash"))
        .output()
        .unwrap();
    assert!(bash.status.success(), "{bash:?}");
    let script = "source ./bash; COMP_WORDS=(corecoder --allowed); COMP_CWORD=1; \
        _corecoder corecoder --allowed corecoder; echo \"${COMPREPLY[@]}\"";
    let mut command = Command::new("bash");
    let command = command.args(["-c", script]).current_dir(place.project(""));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "--allowed-tools\n",
        "{:?}",
        output.stderr
    );
    // Those shells are not everywhere.
    for shell in ["zsh", "fish"] {
        let checked = Command::new(shell)
            .arg("-n")
            .arg(place.project(shell))
            .output();
        assert!(
            checked.is_err() || checked.is_ok_and(|output| output.status.success()),
            "{shell}"
        );
    }
}

#[test]
fn the_man_page_is_roff_and_names_each_flag() {
    let page = said(&["man"]);
    assert!(page.starts_with(".ie") || page.starts_with(".TH"), "{page}");
    assert!(page.contains(".TH"));
    let plain = page.replace('\\', "");
    for name in FLAGS.split_whitespace().chain(COMMANDS.split_whitespace()) {
        assert!(plain.contains(name), "{name}");
    }
}

#[test]
fn a_slip_in_a_flag_ends_with_2_and_the_flag_that_was_meant() {
    let rows: [(&[&str], &str); 12] = [
        (&["--modell", "x"], "'--model'"),
        (&["--allow-tools", "bash"], "'--allowed-tools'"),
        (&["--output-fromat", "json"], "'--output-format'"),
        (&["--output-format", "jsn"], "json"),
        (&["--mode", "plam"], "ask, accept-edits, plan and yolo"),
        (&["--max-turns", "0"], "--max-turns"),
        (&["--max-turns", "many"], "--max-turns"),
        (&["--yes", "--mode", "plan"], "cannot be used with"),
        (&["-c", "-r", "x"], "cannot be used with"),
        (&["doktor"], "doctor"),
        (&["completions", "bsh"], "bash"),
        (&["sessions", "prune", "--older-than", "90"], "90d"),
    ];
    for (args, expected) in rows {
        let (code, stdout, stderr) = ended(&mut Place::new().bare(args));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
}

#[test]
fn a_flag_that_would_do_nothing_is_not_taken_in_silence() {
    for format in ["text", "json"] {
        let args = [
            "-p",
            "hi",
            "--include-partial-messages",
            "--output-format",
            format,
        ];
        let (code, stdout, stderr) = ended(&mut Place::new().bare(&args));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.contains("needs --output-format stream-json"),
            "{stderr}"
        );
    }
}
