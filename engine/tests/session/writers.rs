//! Who may write, and what happens when the disk is full: real processes, with limits of their own.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use corecoder::session::{Fact, Journal, Loaded, SessionError, lines};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::{PROGRAM, Place, header, said, user};

/// What a child of these tests is to do, and the journal that it is to do it with.
const TASK: &str = "CORECODER_TEST_TASK";
const JOURNAL: &str = "CORECODER_TEST_JOURNAL";

/// This test program once more, as another process that does one task; it outlives a file that grows too large.
fn child(task: &str, journal: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "writers::as_a_child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(TASK, task)
        .env(JOURNAL, journal);
    command
}

/// What the children run; nothing in the process that runs all tests.
#[test]
fn as_a_child() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let path = std::env::var_os(JOURNAL).unwrap();
    let path = Path::new(&path);
    match task.as_str() {
        "hold" => {
            let _journal = Journal::open(path, "holder 1.0").unwrap();
            println!("\nheld");
            // Until the other process closes its end.
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "fill" => (300..700).step_by(7).for_each(|bytes| fill(path, bytes)),
        "begin" => {
            limit_files(Some(20));
            assert!(Journal::create(path, header("a")).is_err());
            limit_files(None);
            drop(Journal::create(path, header("a")).unwrap());
        }
        _ => panic!("there is no task {task}"),
    }
}

fn succeeds(task: &str) {
    let output = child(task, &Place::new().path).output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&words)
    );
}

fn holder(place: &Place) -> Child {
    let mut holder = child("hold", &place.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(
        said.map_while(Result::ok).any(|line| line == "held"),
        "it opens the journal"
    );
    holder
}

#[test]
fn a_second_process_is_told_who_holds_the_session() {
    let place = Place::holding(&Place::journal(&[user("hi")]));
    let mut holder = holder(&place);
    let before = place.read();
    let error = Journal::open(&place.path, PROGRAM).err().unwrap();
    assert!(
        matches!(error, SessionError::Held(pid) if pid == holder.id()),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", holder.id())),
        "{error}"
    );
    assert_eq!(place.read(), before, "nothing was written");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert_eq!(place.loads().entries, [said("hi")]);
}

#[test]
fn a_process_that_was_killed_holds_nothing() {
    let place = Place::holding(&Place::journal(&[user("hi")]));
    let mut holder = holder(&place);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(place.loads().entries, [said("hi")]);
}

#[test]
fn one_process_opens_a_session_once() {
    let place = Place::new();
    let journal = Journal::create(&place.path, header("a")).unwrap();
    let error = Journal::open(&place.path, PROGRAM).err().unwrap();
    assert!(
        matches!(error, SessionError::Held(pid) if pid == std::process::id()),
        "{error}"
    );
    drop(journal);
    place.loads();
}

#[test]
fn a_session_is_not_begun_where_one_is() {
    let place = Place::holding(b"");
    let error = Journal::create(&place.path, header("a")).err().unwrap();
    assert!(matches!(error, SessionError::Io { .. }), "{error}");
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost_once_there_is_room() {
    succeeds("fill");
}

fn limit_files(bytes: Option<u64>) {
    let (current, maximum) = (bytes, None);
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

/// Fills a journal up to so many bytes, then makes room.
fn fill(path: &Path, bytes: u64) {
    let _ = fs::remove_file(path);
    let mut journal = Journal::create(path, header("a")).unwrap();
    limit_files(Some(bytes));
    let texts: Vec<String> = (0..9).map(|n| format!("{n}").repeat(30)).collect();
    let results = texts
        .iter()
        .map(|text| journal.append("", user(text)).is_ok());
    let written = results.filter(|ok| *ok).count();
    assert!(written < texts.len(), "the limit was hit");
    let content = fs::read(path).unwrap();
    assert!(content.ends_with(b"\n"), "only whole lines");
    assert_eq!(
        lines(&content).filter(|(_, line)| line.is_ok()).count(),
        2 + written
    );
    assert!(journal.sync().is_err(), "still full");
    limit_files(None);
    journal.append("", Fact::End).unwrap();
    let entries: Vec<_> = texts.iter().map(|text| said(text)).collect();
    let loaded = Loaded::read(&fs::read(path).unwrap());
    assert_eq!((loaded.entries, loaded.problems), (entries, vec![]));
}

#[test]
fn a_journal_that_can_not_be_begun_leaves_no_file_in_the_way() {
    succeeds("begin");
}

#[test]
fn a_line_of_another_hand_is_not_written_over() {
    let place = Place::new();
    let journal = Journal::create(&place.path, header("a")).unwrap();
    drop(journal);
    let mut file = OpenOptions::new().append(true).open(&place.path).unwrap();
    std::io::Write::write_all(&mut file, b"a note by hand\n").unwrap();
    let (mut journal, loaded) = Journal::open(&place.path, PROGRAM).unwrap();
    assert_eq!(loaded.problems.len(), 1);
    journal.append("", user("on")).unwrap();
    assert!(
        String::from_utf8(place.read())
            .unwrap()
            .contains("\na note by hand\n")
    );
}
