//! The tools as the model meets them: called by a scripted model, judged by the answer and by what is on the disk.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use corecoder::{Agent, Entry, Reply, Script, tools};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder and an agent in it.
struct Bench {
    folder: TempDir,
    agent: Agent,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let agent = Agent::new(Script::new([])).folder(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Bench {
            folder,
            agent,
            runtime,
        }
    }

    fn with(files: &[(&str, &str)]) -> Bench {
        let bench = Bench::new();
        files
            .iter()
            .for_each(|(name, content)| bench.put(name, content.as_bytes()));
        bench
    }

    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn get(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// The answers to these calls, made in one reply.
    fn calls(&mut self, calls: Vec<(&str, Value)>) -> Vec<String> {
        self.agent.resume(Vec::new());
        self.agent
            .set_model(Script::new([Reply::calls(calls), Reply::text("done")]));
        self.runtime.block_on(self.agent.chat("go")).unwrap();
        let Some(Entry::Round(round)) = self.agent.history().get(1) else {
            panic!("a round comes second")
        };
        round
            .answered()
            .map(|(_, answer)| answer.to_string())
            .collect()
    }

    fn call(&mut self, tool: &str, args: Value) -> String {
        self.calls(vec![(tool, args)]).remove(0)
    }

    fn bash(&mut self, command: &str) -> String {
        self.call("bash", json!({"command": command}))
    }

    fn edit(&mut self, file: &str, old: &str, new: &str) -> String {
        self.call(
            "edit_file",
            json!({"file_path": file, "old_string": old, "new_string": new}),
        )
    }
}

/// Whether a process with exactly this command line is running.
fn is_running(command: &str) -> bool {
    let wanted: Vec<u8> = command
        .bytes()
        .map(|byte| if byte == b' ' { 0 } else { byte })
        .chain([0])
        .collect();
    let lines = fs::read_dir("/proc").unwrap().flatten();
    lines
        .into_iter()
        .any(|entry| fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == wanted))
}

fn gone_soon(command: &str) -> bool {
    soon(|| !is_running(command))
}

fn soon(is_so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while !is_so() && Instant::now() < end {
        std::thread::yield_now();
    }
    is_so()
}

#[test]
fn bash_answers_with_output_exit_code_and_signal() {
    let rows = [
        ("echo out; echo err >&2; echo out2", "out\nerr\nout2"),
        ("true", "(no output)"),
        ("false", "Error: [exit code: 1]\n"),
        ("exit 7", "Error: [exit code: 7]\n"),
        ("kill -SEGV $$", "Error: [killed by signal 11]\n"),
        ("cat; read x; echo rc=$?", "rc=1"),
        ("printf '\\033[31mred\\033[0m\\tplain'", "red\tplain"),
        ("exec 1>&-; echo x", "Error: [exit code: 1]\n"),
    ];
    let mut bench = Bench::new();
    for (command, expected) in rows {
        let answer = bench.bash(command);
        assert!(answer.starts_with(expected), "{command}: {answer:?}");
    }
}

#[test]
fn bash_has_no_terminal_and_starts_no_editor_or_pager() {
    let mut bench = Bench::new();
    assert!(bench.bash("exec 3</dev/tty").contains("exit code"));
    let answer =
        bench.bash("git init -q . && git -c user.name=a -c user.email=a@b commit --allow-empty");
    assert!(
        answer.contains("exit code: 1"),
        "an empty message aborts the commit: {answer}"
    );
}

#[test]
fn bash_follows_the_shell_to_its_folder_not_the_text() {
    let rows = [
        ("cd sub", "sub"),
        ("cd ..", ""),
        ("pushd \"$(echo sub)\"", "sub"),
        ("popd; cd .. && false", ""),
        ("(cd sub); echo cd sub", ""),
        ("cd sub; exit 3", "sub"),
    ];
    let mut bench = Bench::with(&[("sub/file", "x")]);
    let root = bench.folder.path().canonicalize().unwrap();
    for (command, folder) in rows {
        bench.bash(command);
        assert_eq!(
            bench.agent.kit().files.cwd(),
            root.join(folder),
            "{command}"
        );
    }
    assert!(
        bench
            .call("read_file", json!({"file_path": "file"}))
            .contains("x"),
        "other tools follow"
    );
}

#[test]
fn a_deleted_folder_is_left_for_the_first_one() {
    let mut bench = Bench::new();
    bench.bash("mkdir d && cd d && rmdir ../d");
    assert_eq!(bench.bash("echo ok"), "ok");
}

#[test]
fn a_timeout_keeps_the_output_and_kills_the_whole_session() {
    let mut bench = Bench::new();
    let command = "echo start; sh -c 'sleep 31.25 & timeout 60 sleep 31.26'; echo never";
    let answer = bench.call("bash", json!({"command": command, "timeout": 1}));
    assert!(
        answer.contains("timed out after 1 s") && answer.contains("start"),
        "{answer}"
    );
    assert!(gone_soon("sleep 31.25") && gone_soon("sleep 31.26"));
}

#[test]
fn a_cancelled_run_leaves_no_process_behind() {
    let mut bench = Bench::new();
    let reply = Reply::calls([("bash", json!({"command": "sleep 32.25"}))]);
    bench.agent.set_model(Script::new([reply]));
    bench.runtime.block_on(async {
        let run = bench.agent.chat("go");
        let started = async {
            while !is_running("sleep 32.25") {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { _ = run => panic!("it sleeps"), () = started => {} }
        while is_running("sleep 32.25") {
            tokio::task::yield_now().await;
        }
    });
    let Some(Entry::Round(round)) = bench.agent.history().last() else {
        panic!("the round is closed")
    };
    assert!(
        round
            .answered()
            .all(|(_, answer)| answer.starts_with("[interrupted"))
    );
}

#[test]
fn what_a_command_leaves_running_is_said() {
    let mut bench = Bench::new();
    let start = Instant::now();
    let answer = bench.bash("sleep 33.25 & echo hi");
    assert!(
        answer.starts_with("hi\n[a background process still held the output and was killed"),
        "{answer}"
    );
    assert!(start.elapsed() < Duration::from_secs(5) && gone_soon("sleep 33.25"));
    let answer = bench.bash("sleep 33.26 >/dev/null 2>&1 & echo $!");
    assert!(
        answer.contains("still running in the background"),
        "{answer}"
    );
    // Bash goes on before its child has become what it will run.
    assert!(soon(|| is_running("sleep 33.26")));
    bench.bash("pkill -f 'sleep 33.26'");
}

#[test]
fn endless_output_is_bounded_while_it_runs() {
    let mut bench = Bench::new();
    let answer = bench.bash("echo first; yes | head -c 50000000; echo last");
    assert!(
        answer.starts_with("first\ny\n") && answer.ends_with("last\n"),
        "head and tail are kept"
    );
    assert!(
        answer.contains("bytes left out") && answer.len() < 16_000,
        "{}",
        answer.len()
    );
}

#[test]
fn odd_commands_get_a_clear_answer() {
    let mut bench = Bench::new();
    assert!(bench.bash("echo a\0b").contains("NUL"));
    assert!(
        bench
            .bash("ls \x1b]0;touch hidden;echo \x07")
            .contains("control characters")
    );
    assert!(!bench.path("hidden").exists());
    assert!(
        bench
            .bash(&format!("echo {}", "a".repeat(300_000)))
            .contains("write_file")
    );
    for timeout in [json!(0), json!(-1), json!(1e9), json!("5")] {
        assert_eq!(
            bench.call("bash", json!({"command": "echo ok", "timeout": timeout})),
            "ok"
        );
    }
}

#[test]
fn read_file_shows_numbered_lines_and_says_how_to_go_on() {
    let mut bench = Bench::new();
    let many: String = (1..=3_000).map(|n| format!("line {n}\n")).collect();
    bench.put("many", many.as_bytes());
    bench.put("bom", b"\xef\xbb\xbffirst\r\nsecond");
    bench.put("odd", "a\u{2028}b\nc\x0bd\ne\x0cf\nLAST\n".as_bytes());
    bench.put("long", "x".repeat(3_000_000).as_bytes());
    let read = |bench: &mut Bench, args| bench.call("read_file", args);
    let answer = read(&mut bench, json!({"file_path": "many"}));
    assert!(
        answer.starts_with("     1\tline 1\n") && answer.ends_with("offset=2001]\n"),
        "{answer}"
    );
    let answer = read(
        &mut bench,
        json!({"file_path": "many", "offset": 2999, "limit": 5}),
    );
    assert_eq!(answer, "  2999\tline 2999\n  3000\tline 3000\n");
    let answer = read(&mut bench, json!({"file_path": "many", "offset": 9999}));
    assert_eq!(answer, "(the file has 3000 lines; nothing at offset 9999)");
    assert_eq!(
        read(&mut bench, json!({"file_path": "bom"})),
        "     1\tfirst\n     2\tsecond\n"
    );
    assert!(read(&mut bench, json!({"file_path": "odd"})).ends_with("     4\tLAST\n"));
    let answer = read(&mut bench, json!({"file_path": "long"}));
    assert!(answer.len() < 3_000 && answer.contains("line cut, 3000000 bytes"));
}

#[test]
fn what_is_no_text_file_is_described_not_read() {
    let mut bench = Bench::new();
    bench.put("x.png", b"\x89PNG\r\n\x1a\n\0\0");
    bench.put("nul", b"a\0b");
    bench.put("utf16", b"\xff\xfeh\0i\0");
    fs::create_dir(bench.path("folder")).unwrap();
    bench.bash("mkfifo fifo");
    let rows = [
        ("x.png", "PNG image"),
        ("nul", "binary file"),
        ("utf16", "UTF-16"),
        ("folder", "is a directory"),
        ("fifo", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("missing", "can't be read"),
        ("", "empty"),
        ("a\0b", "NUL"),
        ("/proc/self/mem", "can't be read"),
    ];
    for (file, expected) in rows {
        let answer = bench.call("read_file", json!({"file_path": file}));
        assert!(
            answer.starts_with("Error: ") && answer.contains(expected),
            "{file}: {answer}"
        );
    }
    assert!(
        bench
            .call("read_file", json!({"file_path": "/proc/cpuinfo"}))
            .contains("processor")
    );
}

#[test]
fn an_edit_needs_exactly_one_place_or_changes_nothing() {
    let content = "fn a() {}\nfn b() {}\nlet x = 1;\nlet y = 1;\n";
    let rows = [
        ("= 1;", "= 2;", "2 places (lines 3, 4)"),
        (
            "fn c() {}",
            "fn d() {}",
            "nearest lines are:\n     1\tfn a() {}",
        ),
        ("", "x", "empty"),
        ("  \n", "x", "empty"),
        ("fn a", "fn a", "identical"),
        ("fn old() {}", "fn b() {}", "already stands at line 2"),
        (
            "fn a() {}\n",
            "fn a() {}\nfn b() {}\n",
            "already stands there (line 1)",
        ),
        (
            "fn a() {}\nfn b() {}",
            "fn a() {}\n// ... existing code ...\n",
            "placeholder",
        ),
    ];
    for (old, new, expected) in rows {
        let mut bench = Bench::with(&[("f", content)]);
        let answer = bench.edit("f", old, new);
        assert!(
            answer.starts_with("Error: ") && answer.contains(expected),
            "{old:?}: {answer}"
        );
        assert_eq!(bench.get("f"), content);
    }
    let mut bench = Bench::with(&[("f", content)]);
    assert!(
        bench
            .edit("f", "fn b", "fn c")
            .contains("-fn b() {}\n+fn c() {}"),
        "the answer shows the diff"
    );
    let all =
        json!({"file_path": "f", "old_string": "= 1;", "new_string": "= 2;", "replace_all": true});
    bench.call("edit_file", all);
    assert_eq!(
        bench.get("f"),
        "fn a() {}\nfn c() {}\nlet x = 2;\nlet y = 2;\n"
    );
}

#[test]
fn the_diff_shows_what_changed_with_three_lines_around_it() {
    let lines: Vec<String> = (1..=40).map(|n| format!("line {n}\n")).collect();
    let mut bench = Bench::with(&[("f", &lines.concat())]);
    let answer = bench.edit("f", "line 20\n", "line twenty\nand more\n");
    let expected = "@@ -17 +17 @@\n line 17\n line 18\n line 19\n-line 20\n+line twenty\n+and more\n line 21\n line 22\n line 23\n";
    assert!(answer.ends_with(expected), "{answer}");
    let changed = lines
        .concat()
        .replace("line 3\n", "x\n")
        .replace("line 8\n", "y\n")
        .replace("line 40\n", "z");
    let diff = corecoder::diff::diff(&lines.concat(), &changed, 4_000);
    let expected = "@@ -1 +1 @@\n line 1\n line 2\n-line 3\n+x\n line 4\n line 5\n line 6\n line 7\n-line 8\n+y\n line 9\n line 10\n line 11\n@@ -37 +37 @@\n line 37\n line 38\n line 39\n-line 40\n+z\n";
    assert_eq!(diff, expected);
}

#[test]
fn an_edit_keeps_line_ends_byte_order_mark_and_the_missing_last_newline() {
    let rows = [
        ("a\r\nb\r\nc\r\n", "b", "B", "a\r\nB\r\nc\r\n"),
        (
            "a\r\nb\r\nc\r\n",
            "a\nb\n",
            "A\nX\nB\n",
            "A\r\nX\r\nB\r\nc\r\n",
        ),
        ("a\r\nb\r\nc\r\n", "b", "B\nX", "a\r\nB\r\nX\r\nc\r\n"),
        ("a\r\nb\nc\rd\ne\r\n", "d", "D", "a\r\nb\nc\rD\ne\r\n"),
        (
            "\u{feff}import os\nx\n",
            "import os\n",
            "import sys\n",
            "\u{feff}import sys\nx\n",
        ),
        ("a\nb", "a", "A", "A\nb"),
        ("a\nb\n", "a\r\nb", "A\r\nB", "A\nB\n"),
    ];
    for (content, old, new, expected) in rows {
        let mut bench = Bench::with(&[("f", content)]);
        let answer = bench.edit("f", old, new);
        assert_eq!(bench.get("f"), expected, "{answer}");
    }
}

#[test]
fn writing_keeps_mode_and_link_and_refuses_what_is_no_file() {
    let mut bench = Bench::with(&[
        ("run.sh", "a\n"),
        ("real", "a\n"),
        ("fixed", "a\n"),
        ("one", "a\n"),
    ]);
    fs::set_permissions(bench.path("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(bench.path("fixed"), fs::Permissions::from_mode(0o444)).unwrap();
    symlink("real", bench.path("link")).unwrap();
    fs::hard_link(bench.path("one"), bench.path("two")).unwrap();
    bench.bash("mkfifo fifo; mkdir folder");
    let write = |bench: &mut Bench, file: &str| {
        bench.call("write_file", json!({"file_path": file, "content": "b\n"}))
    };
    write(&mut bench, "run.sh");
    assert_eq!(
        fs::metadata(bench.path("run.sh")).unwrap().mode() & 0o777,
        0o750
    );
    write(&mut bench, "link");
    assert!(bench.path("link").is_symlink() && bench.get("real") == "b\n");
    assert!(write(&mut bench, "one").contains("hard link"));
    assert!(write(&mut bench, "new/deep/file").starts_with("Wrote"));
    for file in ["fifo", "folder", "/dev/full", "fixed"] {
        assert!(write(&mut bench, file).starts_with("Error: "), "{file}");
    }
    let left: Vec<_> = fs::read_dir(bench.folder.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.as_bytes().starts_with(b".corecoder")),
        "{left:?}"
    );
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_overwritten() {
    let mut bench = Bench::with(&[("f", "one\ntwo\n")]);
    bench.call("read_file", json!({"file_path": "f"}));
    bench.put("f", b"one\ntwo\nthree by someone else\n");
    assert!(
        bench
            .edit("f", "two", "2")
            .contains("has changed since you read it")
    );
    assert!(
        bench
            .call("write_file", json!({"file_path": "f", "content": "x"}))
            .contains("has changed")
    );
    assert!(bench.get("f").ends_with("someone else\n"));
    bench.call("read_file", json!({"file_path": "f"}));
    assert!(bench.edit("f", "two", "2").starts_with("Edited"));
    assert!(
        bench.edit("f", "one\n", "1\n").starts_with("Edited"),
        "its own change is no surprise"
    );
}

#[test]
fn edits_of_one_reply_all_arrive() {
    let mut bench = Bench::with(&[("f", "line0\nline1\nline2\nline3\n")]);
    let edit = |n| {
        (
            "edit_file",
            json!({"file_path": "f", "old_string": format!("line{n}\n"), "new_string": format!("LINE{n}\n")}),
        )
    };
    bench.calls((0..4).map(edit).collect());
    assert_eq!(bench.get("f"), "LINE0\nLINE1\nLINE2\nLINE3\n");
}

#[test]
fn glob_finds_the_newest_first_and_respects_gitignore() {
    let mut bench = Bench::with(&[
        ("old.rs", ""),
        ("src/new.rs", ""),
        ("src/deep/x.rs", ""),
        ("ignored/y.rs", ""),
        (".hidden/z.rs", ""),
        ("notes.md", ""),
        (".gitignore", "ignored/\n"),
    ]);
    let day = Duration::from_secs(86_400);
    let old = fs::File::options()
        .write(true)
        .open(bench.path("old.rs"))
        .unwrap();
    old.set_modified(std::time::SystemTime::now() - day)
        .unwrap();
    symlink("..", bench.path("src/loop")).unwrap();
    let answer = bench.call("glob", json!({"pattern": "*.rs"}));
    let mut lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines.pop(), Some("old.rs"), "{answer}");
    lines.sort();
    assert_eq!(lines, ["src/deep/x.rs", "src/new.rs"]);
    assert_eq!(
        bench.call("glob", json!({"pattern": "src/*.rs"})),
        "src/new.rs\n"
    );
    assert_eq!(
        bench.call("glob", json!({"pattern": "*.{md,txt}"})),
        "notes.md\n"
    );
    assert_eq!(
        bench.call("glob", json!({"pattern": "**/x.rs", "path": "src"})),
        "src/deep/x.rs\n"
    );
    for pattern in ["/etc/*", "../*", "~/*"] {
        assert!(
            bench
                .call("glob", json!({"pattern": pattern}))
                .contains("leaves the folder"),
            "{pattern}"
        );
    }
    assert!(
        bench
            .call("glob", json!({"pattern": "*.nope"}))
            .starts_with("No files match")
    );
}

#[test]
fn long_answers_say_how_much_there_is() {
    let mut bench = Bench::new();
    (0..150).for_each(|n| bench.put(&format!("f{n:03}.txt"), "needle\n".repeat(3).as_bytes()));
    bench.put("one.log", "needle\n".repeat(500).as_bytes());
    let answer = bench.call("glob", json!({"pattern": "*.txt"}));
    assert!(
        answer.ends_with("[the newest 100 of 150 files; narrow the pattern to see others]\n"),
        "{answer}"
    );
    let answer = bench.call("grep", json!({"pattern": "needle"}));
    assert!(
        answer.contains("[200 of 950 matching lines in 151 files"),
        "{answer}"
    );
    let answer = bench.call("grep", json!({"pattern": "needle", "include": "*.log"}));
    assert!(
        answer.contains("[50 of 500 matching lines in 1 files"),
        "one file does not fill the answer: {answer}"
    );
}

#[test]
fn grep_shows_lines_and_skips_what_is_no_text() {
    let mut bench = Bench::with(&[
        ("a.rs", "fn f() {\n  needle(1)\n"),
        ("sub/b.py", "x\nneedle\n"),
        (".env", "needle"),
    ]);
    bench.put("bin.dat", b"\0needle\n");
    bench.put("latin1", b"caf\xe9 needle\n");
    bench.put(
        "one.js",
        format!("{}needle{}", "x".repeat(90_000), "y".repeat(90_000)).as_bytes(),
    );
    bench.bash("mkfifo fifo");
    let answer = bench.call("grep", json!({"pattern": "needle"}));
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines[0], "a.rs:2:  needle(1)");
    assert_eq!(lines[1], "latin1:1:caf\u{fffd} needle");
    assert!(
        lines[2].starts_with("one.js:1:...xxx")
            && lines[2].contains("needle")
            && lines[2].len() < 600
    );
    assert_eq!(lines[3..], ["sub/b.py:2:needle"]);
    assert_eq!(
        bench.call("grep", json!({"pattern": "needle", "include": "*.py"})),
        "sub/b.py:2:needle\n"
    );
    assert_eq!(
        bench.call("grep", json!({"pattern": "needle", "path": "a.rs"})),
        "a.rs:2:  needle(1)\n"
    );
    let one_file = json!({"pattern": "needle", "path": "a.rs", "include": "*.rs"});
    assert_eq!(bench.call("grep", one_file), "a.rs:2:  needle(1)\n");
    let answer = bench.call("grep", json!({"pattern": "needle("}));
    assert!(
        answer.contains("not a valid regular expression") && answer.contains("a.rs:2:"),
        "{answer}"
    );
    assert!(
        bench
            .call("grep", json!({"pattern": "zzqq"}))
            .starts_with("No matches")
    );
    assert!(
        bench
            .call("grep", json!({"pattern": "x", "path": "missing"}))
            .contains("does not exist")
    );
}

#[test]
fn every_name_that_is_shown_can_be_read() {
    let mut bench = Bench::new();
    for name in [
        &b"new\nline.txt"[..],
        b"bad\xff.txt",
        b"-rf.txt",
        b"quo'te\".txt",
        b"back\\slash.txt",
    ] {
        let path = bench
            .folder
            .path()
            .join(Path::new(std::ffi::OsStr::from_bytes(name)));
        fs::write(path, "needle\n").unwrap();
    }
    let names = bench.call("glob", json!({"pattern": "*.txt"}));
    assert_eq!(names.lines().count(), 5, "{names}");
    for name in names.lines() {
        let answer = bench.call("read_file", json!({"file_path": name}));
        assert!(answer.contains("needle"), "{name}: {answer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// For any file and any passage that stands in it once, an edit and its reverse give the file back.
    #[test]
    fn an_edit_and_its_reverse_give_the_file_back(
        lines in prop::collection::vec("[a-z ]{0,6}(\r)?", 1..12), at in any::<prop::sample::Index>(), new in "[A-Z]{1,5}",
    ) {
        let content = lines.join("\n");
        let old = lines[at.index(lines.len())].trim_end_matches('\r').to_string();
        prop_assume!(!old.trim().is_empty() && content.matches(&old).count() == 1);
        let mut bench = Bench::with(&[("f", &content)]);
        let answer = bench.edit("f", &old, &new);
        prop_assert!(answer.starts_with("Edited"), "{}", answer);
        prop_assert_eq!(bench.get("f"), content.replacen(&old, &new, 1));
        bench.edit("f", &new, &old);
        prop_assert_eq!(bench.get("f"), content);
    }
}

#[test]
fn arguments_are_held_against_a_schema_and_what_it_leaves_open_is_kept() {
    let fit = |schema: Value, args: Value| tools::fit(&schema, &args);
    let named = json!({"properties": {"a": {"type": "string"}}});
    let with = |key: &str, value: Value| {
        let mut schema = named.clone();
        schema[key] = value;
        schema
    };
    let both = json!({"a": "x", "b": 1});
    let one = json!({"a": "x"});
    for (schema, kept) in [
        (named.clone(), &one),
        (with("additionalProperties", json!(false)), &one),
        (with("additionalProperties", json!(true)), &both),
        (
            with("additionalProperties", json!({"type": "integer"})),
            &both,
        ),
        (with("patternProperties", json!({"^b": {}})), &both),
    ] {
        assert_eq!(
            fit(schema.clone(), both.clone()).as_ref(),
            Ok(kept),
            "{schema}"
        );
    }
    // Nothing is a value where there must be one, and the schema knows it.
    let required = |a: Value| json!({"properties": {"a": a}, "required": ["a"]});
    let null = json!({"a": null});
    for a in [
        json!({"type": "null"}),
        json!({"type": ["string", "null"]}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"oneOf": [{"type": "null"}, {"type": "string"}]}),
    ] {
        assert_eq!(
            fit(required(a.clone()), null.clone()),
            Ok(null.clone()),
            "{a}"
        );
    }
    let missing = fit(required(json!({"type": "string"})), null.clone());
    assert_eq!(missing, Err("the argument `a` is missing".to_string()));
    assert_eq!(fit(named, null), Ok(json!({})));
}
