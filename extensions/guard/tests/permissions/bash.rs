//! The real bash runs what is allowed, and must not get to what is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::{Project, bash};

/// A folder of programs: `evil` leaves a mark, and the others do nothing.
fn programs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("bits");
    };
    write("evil", "#!/bin/bash\n: > \"$MARK\"\n".to_owned());
    for name in ["cargo", "git"] {
        write(name, "#!/bin/bash\nexit 0\n".to_owned());
    }
    for name in [
        "cat", "ls", "xargs", "timeout", "env", "nice", "find", "bash", "sh",
    ] {
        let real = ["/bin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
        let real = real
            .iter()
            .find(|path| path.exists())
            .expect("a usual program");
        std::os::unix::fs::symlink(real, folder.path().join(name)).expect("a link");
    }
    folder
}

/// Whether bash gets to `evil` when it runs the line.
fn runs_evil(line: &str, programs: &Path) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mark = folder.path().join("mark");
    // The output ends when the last process in the background does.
    let output = Command::new("/bin/bash")
        .args(["-c", line])
        .env_clear()
        .env("PATH", programs)
        .env("MARK", &mark)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output();
    output.expect("bash starts");
    mark.exists()
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "cargo test",
        "cargo test",
        "git diff",
        "echo",
        "cat",
        "ls",
        "evil",
        "evil",
        "$(evil)",
        "`evil`",
        "<(evil)",
        "'evil'",
        "\"$(evil)\"",
        "X=evil",
        "$X",
        "${X}",
        "${X:-$(evil)}",
        "${X@P}",
        "${!X}",
        "X='a[$(evil)]'",
        "X='$(evil)'",
        "((X))",
        "$((X))",
        "$[X]",
        "[[ X -eq 1 ]]",
        "[[",
        "]]",
        "test",
        "-v",
        "timeout 5",
        "env",
        "env -S",
        "xargs",
        "nice",
        "command",
        "exec",
        "eval",
        "bash -c",
        "sh -c",
        "time",
        "!",
        "'cargo test; evil'",
        "'cargo test'",
        "\"cargo test $X\"",
        "'$0'",
        "'$1'",
        "-I",
        "test",
        "{}",
        "cargo",
        "cargo() {",
        "function cargo {",
        "function cargo()",
        "alias",
        "{",
        "}",
        "(",
        ")",
        "if",
        "then",
        "fi",
        "for X in",
        "do",
        "done",
        "case X in",
        "X)",
        ";;",
        "esac",
        "<<E",
        "<<'E'",
        "E",
        "<<<",
        "<",
        ">",
        "/dev/null",
        "2>&1",
        "printf",
        "-vX",
        "find",
        ".",
        "-exec",
        "{a,evil}",
        "\\",
        "'",
        "\"",
        "#",
        "$",
        "~",
        "\\evil",
        "ev\\\nil",
        "e''vil",
        "$'\\x65vil'",
        "coproc",
        "select",
        "|",
        "|&",
        "&&",
        "||",
        ";",
        "&",
        "\n",
        "a=(",
        "a[$(evil)]=1",
        "((",
        "))",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

/// A whole line, put together so that bash mostly takes it.
fn line() -> impl Strategy<Value = String> {
    let seeds = [
        "evil",
        "cargo test",
        "echo a",
        "git diff",
        "ls",
        "X=evil",
        "X='a[$(evil)]'",
        "X='$(evil)'",
        "$X",
        "cat x",
        "for X in evil; do cargo test $X; done",
        "echo ${X@P}",
        "echo $((X))",
        "xargs",
        "find . $X",
        "echo evil",
        "printf evil",
        "X=-exec\\ evil",
        "echo \"$X\"",
        "git $X",
        "cargo $X",
        "find . -exec evil \\;",
        ": ",
        "\\evil",
        "test -v \"$X\"",
        "[[ $X -eq 1 ]]",
        "((X))",
        "export PATH=.",
        "set -- evil",
        "\"$@\"",
        "$1",
        "$0",
        "{evil,a}",
    ];
    let forms = [
        "A; B",
        "A && B",
        "A || B",
        "A | B",
        "A & B",
        "A\nB",
        "(A)",
        "{ A; }",
        "( A; B )",
        "! A",
        "if A; then B; fi",
        "for i in 1; do A; done",
        "case a in a) A;; esac",
        "while A; do B; break; done",
        "$(A)",
        "`A`",
        "echo $(A)",
        "echo \"$(A)\"",
        "echo `A`",
        "cat <(A)",
        "cargo test >(A)",
        "cat <<E\n$(A)\nE",
        "cat <<'E'\nA\nE",
        "cat <<-E\n\t`A`\n\tE\nB",
        "cat <<E; A\nx\nE",
        "cat <<E && B\nE\nA",
        "cat <<< \"$(A)\"",
        "echo A",
        "echo 'A'",
        "echo \"A\"",
        "eval 'A'",
        "eval \"A\"",
        "eval A",
        "bash -c 'A'",
        "bash -c \"A\"",
        "bash -c A",
        "env A",
        "env X=1 A",
        "env -S 'A'",
        "timeout 5 A",
        "nice A",
        "command A",
        "exec A",
        "builtin A",
        "coproc A",
        "time A",
        "X=1 A",
        "echo A | xargs B",
        "xargs A < /dev/null",
        "A | bash",
        "bash <<< 'A'",
        "f() { A; }; B",
        "cargo() { A; }; B",
        "function git { A; }; B",
        "function echo() { A; }; B",
        "alias ls='A'\nB",
        "echo ${X:-A}",
        "echo ${X:?A}",
        "echo ${X+$(A)}",
        "echo ${X/a/$(A)}",
        "X=$(A) B",
        "X=(A)",
        "cargo test \\\nA",
        "cargo test # A\nB",
        "cargo test #A\\\nB",
        "echo \"# \"; A",
        "'A'",
        "\"A\"",
        "echo '\"'; A; echo '\"'",
        "echo \\\"; A; echo \\\"",
        "echo $'\\''; A; echo $'\\''",
        "echo \\'; A; echo \\'",
        "A 2>&1",
        "A >/dev/null",
        "A < <(B)",
        "echo \\\\; A",
        "echo $\"$(A)\"",
        "trap 'A' EXIT",
        "echo $(echo ')'; A)",
        "echo \"${X:-\"$(A)\"}\"",
        "echo $(cat <<E\n)\nE\nA)",
        "echo \"`echo \\\"$(A)\\\"`\"",
        "echo $(case a in a) A;; esac)",
        "until A; do B; break; done",
        "echo {a,$(A)}",
        "[[ -n $(A) ]] && B",
        "test -n \"$(A)\"; B",
        "ls \"$(A)\" | B",
        "A |& B",
        "{ A; } | B",
        "(A) <<< x",
        "A;B;",
    ];
    let leaf = proptest::sample::select(seeds.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(4, 12, 2, move |inner| {
        let form = proptest::sample::select(forms.to_vec());
        (form, inner.clone(), inner).prop_map(|(form, a, b)| {
            let pieces: Vec<String> = form
                .split_inclusive(|letter: char| "AB".contains(letter))
                .map(|piece| match piece.chars().next_back() {
                    Some('A') if !piece.ends_with("PA") => piece[..piece.len() - 1].to_owned() + &a,
                    Some('B') => piece[..piece.len() - 1].to_owned() + &b,
                    _ => piece.to_owned(),
                })
                .collect();
            pieces.concat()
        })
    })
}

#[test]
fn what_is_allowed_runs_nothing_else() {
    let programs = programs();
    assert!(
        runs_evil("echo a; evil", programs.path()),
        "evil leaves its mark"
    );
    let rules = [
        "allow bash(cargo test*)",
        "allow bash(git diff*)",
        "allow bash(echo*)",
        "deny bash(sleep*)",
    ];
    let project = Project::at(Path::new("/srv/project"), &rules);
    let config = ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let space = prop::sample::select(vec![" ", " ", " ", "", "\n"]);
    let words = (word(), space).prop_map(|(word, space)| word + space);
    let words = proptest::collection::vec(words, 1..7).prop_map(|words| words.concat());
    let lines = prop_oneof![1 => words, 3 => line()];
    // The same lines each time: a new hole is to be found on purpose, with more cases.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let result = runner.run(&lines, |line| {
        let allowed = project.word(&bash(&line)) == "allow";
        prop_assert!(!(allowed && runs_evil(&line, programs.path())), "{}", line);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
