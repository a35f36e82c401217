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
    for name in ["evil", "0evil"] {
        write(name, "#!/bin/bash\n: > \"$MARK\"\n".to_owned());
    }
    write("cargo", "#!/bin/bash\nexit 0\n".to_owned());
    for name in [
        "cat", "ls", "xargs", "timeout", "env", "nice", "find", "bash", "sh", "sed", "sort", "git",
    ] {
        let folders = ["/bin", "/usr/bin", "/usr/local/bin"];
        let real = folders.map(|folder| Path::new(folder).join(name));
        let real = real
            .iter()
            .find(|path| path.exists())
            .expect("a usual program");
        std::os::unix::fs::symlink(real, folder.path().join(name)).expect("a link");
    }
    folder
}

/// Files whose names are options, and a folder whose configuration makes git run `evil`.
fn traps(folder: &Path) {
    for name in ["-exec", "0evil", ";", "+x"] {
        fs::write(folder.join(name), "x").expect("a file");
    }
    let git = folder.join("+hostile/.git");
    for name in ["objects", "refs"] {
        fs::create_dir_all(git.join(name)).expect("a folder");
    }
    let config = "[core]\nfsmonitor = \"evil #\"\n[diff]\nexternal = evil\n";
    fs::write(git.join("config"), config).expect("a file");
    fs::write(git.join("HEAD"), "ref: refs/heads/x\n").expect("a file");
}

/// Whether bash gets to `evil` when it runs the line.
fn runs_evil(line: &str, programs: &Path) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mark = folder.path().join("mark");
    traps(folder.path());
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
        "~",
        "~$(evil)",
        "~-$(evil)",
        "~{a,$(evil)}",
        "$_",
        "${_:-p}",
        "${_:--exec}",
        "*",
        "[-]*",
        "./*",
        "{-exec,0evil,';'}",
        "--",
        "-n",
        "sed",
        "sed -n",
        "'1e evil'",
        "'/x\\\\/!e evil #/p'",
        "f",
        "#;evil",
        "'1e evil #'",
        "sort",
        "git status",
        "git -C +hostile status",
        "git -C +hostile diff",
        "git grep -nO'evil' x",
        "cd +hostile",
        "for RANDOM in 'a[$(evil)]'",
        "for y in 'a[$(evil)]'",
        "for y in '$(evil)'",
        "${HOME:y}",
        "${-:y}",
        "\"${PATH:y}\"",
        "${#y}",
        "${y%x}",
        "${y/x/y}",
        "${y@P}",
        "$((y))",
        "$[y]",
        "[",
        "]",
        "-v 'a[$(evil)]'",
        "$(echo -v)",
        "$'E'",
        "<<$'E'",
        "<<\"E\"",
        "{X}>/dev/null",
        "for X do",
        "${X:+evil}",
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
        "find *",
        "find . ${_:--exec} 0evil \\;",
        "true -exec; find . $_ 0evil ';'",
        "ls 'a[$(evil)]'; [ $_ ]",
        "true '1e evil'; sed -n \"${_:-p}\" f",
        "sed -n '/x\\\\/!e evil #/p' ./+x",
        "sed -n '1e evil' ./+x",
        "sed -n 1p ./+x",
        "echo ~$(evil)",
        "echo ~",
        "git -C +hostile status",
        "cd +hostile",
        "git status",
        "git log",
        "git grep -nO'evil' --no-index x",
        "echo ${HOME:y}",
        "echo \"${PATH:1:y}\"",
        "cat < $((y))",
        "cat <<< ${y@P}",
        "printf -v y 'a[$(evil)]'",
        "printf $(echo -v) 'a[$(evil)]' y",
        "[ $(echo -v) 'a[$(evil)]' ]",
        "[ -n \"$X\" ]",
        "RANDOM+='a[$(evil)]'",
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
        "for y in 'a[$(evil)]'; do A; done",
        "for y in '$(evil)' evil; do A; done",
        "for y in -v 'a[$(evil)]'; do [ $y \"$_\" ]; A; done",
        "for RANDOM in 'a[$(evil)]'; do A; done",
        "for f in *; do A \"$f\"; done",
        "for X do A; done",
        "set -- 1; for X do A; done",
        "A <(B)#;A",
        "echo <(A)#; B",
        "echo <(A)B",
        "echo ~$(A)",
        "echo ~{a,$(A)}",
        "echo ~`A`",
        "X=~$(A) B",
        "cat <<$'E'\na\nE\nA\n$E",
        "cat <<$\"E\"\na\nE\nA\n$E",
        "cat <<\"E\"\n$(A)\nE\nB",
        "cat <<E\n$((y))${y@P}\nE\nA",
        "A ${y%$(B)}",
        "A \"${y/x/`B`}\"",
        "A *",
        "A -- *",
        "time { A; }",
        "coproc X { A; }",
        "cd +hostile; A",
        "cd +hostile && A && B",
        "{PATH}>/dev/null A",
        "for y in 'a[$(evil)]'; do A {b[y]}>/dev/null; done",
        "for y in 'a[$(evil)]'; do A {b[y]}<<< x; done",
        "find . -name A",
        "sed -n 'A' ./+x",
        "[ A = B ]",
        "A $_",
        "A \"${_:-B}\"",
        "echo $(case cat in cat) A;; esac)",
        "echo \"$(ls; case ls in (ls) A;; esac)\"",
        "echo $(ls # )\nA)",
        "echo $(ls a#); A",
        "echo $(ls #'\n); A #'",
        "echo \"$(ls \")\"; A)\"",
        "echo \"$(ls ')' \"'\"; A)\"",
        "echo \"${X:-'}'$(A)}\"",
        "echo ${X:-\"}\"$(A)}",
        "echo ${X:-\\}$(A)}",
        "echo ${X:-'$(A)'}",
        "echo \"${X:-'$(A)'}\"",
        "echo \"${X#'$(A)'}\"",
        "echo ${X%\"`A`\"}",
        "echo $(echo \\)\nA)",
        "echo `echo '\\`A\\`'`",
        "echo `echo \\$(A)`",
        "echo `echo \\\\$(A)`",
        "echo \"`echo '$(A)'`\"",
        "cat <<E\n`A`${X:-$(B)}\nE",
        "cat <<E\n\\$(A)\\\\$(B)\nE",
        "cat <<E\n\"'$(A)'\"\nE",
        "cat <<-E | ls\n\tx\n\tE\nA",
        "cat <<E <<F\n$(A)\nE\n$(B)\nF",
        "cat <<E\nE\nA",
        "cat <<E\nx\nE \nE\nA",
        "cat <<E\n\\\nE\nE\nA",
        "cat << E#\nx\nE#\nA",
        "cat <<E;A\nx\nE\nB",
        "cat <<E && ls # $(A)\nx\nE\nB",
        "(cat <<E)\nx\nE\nA",
        "if ls; then cat <<E; fi\nx\nE\nA",
        "ls a\\\n#; A",
        "ls a#b; A",
        "ls '#'#; A",
        "ls \"\"#; A",
        "ls \\\n#; A",
        "ls;#\nA",
        "ls $#; A",
        "ls ${#}; A",
        "ls ${X#a}; A",
        "ls ${#X}#; A",
        "[ -n \"$(A)\" ] && ls",
        "ls | for f in a; do cat; A; done",
        "ls {a,b,\"$(A)\"}",
        "ls {a,'}',$(A)}",
        "ls {`A`..3}",
        "ls ~+$(A)",
        "ls ~/$(A)",
        "ls a=~$(A)",
        "ls 2>&1$(A)",
        "ls <<<$(A)",
        "ls <<<'$(A)'",
        "ls <<<\"a\"$(A)",
        "ls 2>/dev/null$(A)",
        "ls <(ls)`A`",
        "ls <(ls <(A))",
        "ls <(ls) <(A",
        "ls $'a\\'; A; ls '\\''",
        "ls $'a\\\\'; A",
        "ls \"$'\"; A; ls \"'\"",
        "ls $\"a\"; A",
        "ls \"\\\"; A; ls \"",
        "ls '\\'; A; ls '\\'",
        "ls \\'; A; ls \\'",
        "ls & A",
        "ls |\nA",
        "ls &&\n\nA",
        "ls;;A",
        "ls !; A",
        "! ! A",
        "{ ls;}; A",
        "{ ls; } A",
        "(ls)A",
        "(ls) && A",
        "for f in a b; { A; }",
        "for f in a b\ndo A\ndone",
        "for f\nin a; do A; done",
        "while ! A; do ls; done",
        "if ls\nthen A\nelif B\nthen ls\nfi",
        "[[ a && $(A) ]]",
        "[[ a =~ $(A) ]]",
        "[[ -n a || -n b ]] && A",
        "ls [[ ; A",
        "ls if; A",
        "ls } ; A",
        "ls do A; done",
        "ls case a in a) A",
        "ls function f { A; }",
        "ls $(ls\n#)\nA\n)",
        "ls $( (ls); A )",
        "ls $(ls;(A))",
        "ls $({ A; })",
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
    for line in [
        "echo a; evil",
        "find *",
        "cd +hostile; git status",
        "git -C +hostile diff",
        "sed -n '1e evil' ./+x",
        "for y in 'a[$(evil)]'; do echo ${-:y}; done",
    ] {
        assert!(
            runs_evil(line, programs.path()),
            "evil leaves its mark: {line}"
        );
    }
    let rules = [
        "allow bash(cargo test*)",
        "allow bash(git diff*)",
        "allow bash(echo*)",
        "deny bash(sleep*)",
    ];
    let project = Project::at(Path::new("/srv/project"), &rules);
    let config = ProptestConfig {
        cases: 4000,
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
