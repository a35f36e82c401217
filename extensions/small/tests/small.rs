//! `replies/` holds replies as small models wrote them; the first line of each says what is run of it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use corecoder::{Agent, Delta, Deltas, Entry, Model, ModelError, Reply, Request, Script, tools};
use corecoder_small::blocks::{self, Meaning};
use corecoder_small::{SYSTEM, Small};
use futures::StreamExt;
use futures::stream;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The replies, each with what is to be run: a call as `[name, arguments]`, `"unnamed"`, or nothing.
fn replies() -> Vec<(String, Value, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replies");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (wanted, reply) = text.split_once('\n').unwrap();
        (
            path.display().to_string(),
            serde_json::from_str(wanted).unwrap(),
            reply.to_string(),
        )
    };
    std::fs::read_dir(folder).unwrap().map(read).collect()
}

fn meaning(text: &str) -> Value {
    match blocks::first(text, true).map(|block| block.meaning) {
        Some(Meaning::Call(name, args)) => json!([name, args]),
        Some(_) => json!("unnamed"),
        None => Value::Null,
    }
}

#[test]
fn a_block_is_run_if_it_says_what_it_is_and_else_it_is_not() {
    let replies = replies();
    assert!(replies.len() > 25, "the replies are there");
    for (file, wanted, reply) in replies {
        assert_eq!(meaning(&reply), wanted, "{file}");
    }
}

/// Says one reply after another, in pieces of `size` bytes, and keeps what it was asked.
#[derive(Clone)]
struct Pieces {
    size: usize,
    replies: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<Vec<Entry>>>>,
}

fn pieces(size: usize, replies: &[&str]) -> Pieces {
    let replies = replies
        .iter()
        .rev()
        .map(|reply| reply.to_string())
        .collect();
    Pieces {
        size,
        replies: Arc::new(Mutex::new(replies)),
        asked: Arc::default(),
    }
}

impl Model for Pieces {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        assert!(request.tools.is_empty(), "blocks need no list of tools");
        self.asked.lock().unwrap().push(request.entries.to_vec());
        let reply = self.replies.lock().unwrap().pop().expect("a further reply");
        let (mut rest, mut deltas) = (reply.as_str(), Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(self.size.min(rest.len())));
            deltas.push(Ok(Delta::Text(piece.to_string())));
            rest = after;
        }
        deltas.push(Ok(Delta::Done(Reply::text(reply))));
        stream::iter(deltas).boxed()
    }

    fn name(&self) -> &str {
        "pieces"
    }
}

/// An agent in a folder with a fault and its test.
fn agent(model: impl Model + 'static, folder: &Path) -> Agent {
    std::fs::write(folder.join("a.sh"), "echo 1\n").unwrap();
    std::fs::write(
        folder.join("test_a.sh"),
        "[ \"$(sh a.sh)\" = 2 ] && echo ok\n",
    )
    .unwrap();
    Agent::new(Small::new(model, folder))
        .system(SYSTEM)
        .folder(folder)
        .tools(corecoder_small::tools(&tools::seven()))
}

fn results(agent: &Agent) -> Vec<String> {
    let rounds = agent.history().iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(
            round
                .answered()
                .map(|(_, result)| result.to_string())
                .collect::<Vec<_>>(),
        ),
        _ => None,
    });
    rounds.flatten().collect()
}

const FIX: &str =
    "The number is wrong.\n\n```bash a.sh\necho 2\n```\n\nThe test passes now:\n\n```\nok\n```\n";

#[tokio::test]
async fn a_fault_is_fixed_and_tested_in_blocks_however_the_reply_is_split() {
    for size in [1, 2, 3, 7, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let model = pieces(size, &[FIX, "```bash\nsh test_a.sh\n```", "It works."]);
        let mut agent = agent(model.clone(), folder.path());
        assert_eq!(
            agent.chat("test_a.sh fails. Fix a.sh.").await.unwrap(),
            "It works."
        );
        assert!(
            results(&agent)[1].starts_with("ok"),
            "{:?}",
            results(&agent)
        );
        let asked = model.asked.lock().unwrap();
        let last = asked.last().unwrap();
        assert!(
            asked.windows(2).all(|two| two[1].starts_with(&two[0])),
            "the prefix stays"
        );
        assert!(
            matches!(&last[0], Entry::User(text) if text.contains("```bash a.sh\necho 1\n```")),
            "named files are shown"
        );
        let Entry::Round(first) = &last[1] else {
            panic!("a round follows")
        };
        assert_eq!(
            first.reply().text,
            "The number is wrong.\n\n```bash a.sh\necho 2\n```",
            "without guesses at results"
        );
        assert!(matches!(&last[2], Entry::User(text) if text.contains("It is written. Next,")));
    }
}

#[tokio::test]
async fn a_reply_that_does_nothing_is_asked_again() {
    let cases: [(&str, &[&str], &str); 6] = [
        ("Fix a.sh.", &["I fixed it.", "Fixed."], "held no block"),
        (
            "Fix a.sh.",
            &["The fixed code is:\n```python\nx\n```\n"],
            "```bash a.sh",
        ),
        ("Can you fix a.sh?", &["I fixed it."], "held no block"),
        (
            "Fix a.sh.",
            &["```bash\nfalse\n```\n", "All is well."],
            "The last command failed",
        ),
        ("What does a.sh print?", &["1"], ""),
        ("Fix a.sh.", &["```bash\ntrue\n```\n", "All is well."], ""),
    ];
    for (words, said, nudge) in cases {
        let folder = tempfile::tempdir().unwrap();
        let again = "```bash\ntrue\n```";
        let model = pieces(5, &[said, &[again, "done"]].concat());
        let mut agent = agent(model.clone(), folder.path());
        agent.chat(words).await.unwrap();
        let asked = model.asked.lock().unwrap();
        let told = asked
            .iter()
            .flatten()
            .any(|entry| matches!(entry, Entry::Note(text) if text.contains(nudge)));
        assert_eq!(told, !nudge.is_empty(), "{words} {said:?}");
    }
}

#[tokio::test]
async fn code_without_a_path_is_the_file_that_the_model_was_told_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let code = "So:\n```python\necho 2\n```\n";
    let replies = [code, code, "```bash\nsh test_a.sh\n```\n", "done"];
    let mut agent = agent(pieces(6, &replies), folder.path());
    assert_eq!(
        agent.chat("test_a.sh fails. Fix a.sh.").await.unwrap(),
        "done"
    );
    assert!(
        results(&agent)[1].starts_with("ok"),
        "{:?}",
        results(&agent)
    );
}

#[tokio::test]
async fn json_is_run_too() {
    let folder = tempfile::tempdir().unwrap();
    let call = "```json\n{\"name\": \"read_file\", \"arguments\": {\"file_path\": \"a.sh\"}}\n```";
    let mut agent = agent(pieces(4, &[call, "It prints 1."]), folder.path());
    assert_eq!(agent.chat("Look at a.sh.").await.unwrap(), "It prints 1.");
    assert!(results(&agent)[0].contains("echo 1"));
}

#[tokio::test]
async fn tests_and_most_of_a_file_are_not_overwritten_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let long: String = (0..20).map(|line| format!("echo {line}\n")).collect();
    let replies = [
        "```bash test_a.sh\necho ok\n```\n",
        "```bash long.sh\necho 5\n```\n",
        "```bash long.sh\necho 5\n```\n",
        "done",
    ];
    let mut agent = agent(pieces(9, &replies), folder.path());
    std::fs::write(folder.path().join("long.sh"), long).unwrap();
    agent.chat("Fix it.").await.unwrap();
    let results = results(&agent);
    assert!(
        results[0].contains("is a test and stays as it is"),
        "{results:?}"
    );
    assert!(
        results[1].contains("has 20 lines, and your block only 1"),
        "{results:?}"
    );
    assert!(
        results[2].starts_with("Wrote "),
        "who insists means it: {results:?}"
    );
}

#[tokio::test]
async fn a_model_that_repeats_one_call_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let model = pieces(50, &["```bash\ncat a.sh\n```\n"; 10]);
    let mut agent = agent(model.clone(), folder.path());
    let answer = agent.chat("Fix a.sh.").await.unwrap();
    assert!(answer.contains("repeats the same call"), "{answer}");
    assert!(model.asked.lock().unwrap().len() < 8);
    let asked = model.asked.lock().unwrap();
    let rounds = asked
        .last()
        .unwrap()
        .iter()
        .filter(|entry| matches!(entry, Entry::Round(_)));
    assert_eq!(rounds.count(), 1, "what it repeats is not told again");
}

#[tokio::test]
async fn a_model_that_gets_nowhere_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let tries: Vec<String> = (0..20)
        .map(|n| format!("```bash\nrm gone{n}\n```\n"))
        .collect();
    let tries: Vec<&str> = tries.iter().map(String::as_str).collect();
    let mut agent = agent(pieces(50, &tries), folder.path());
    let answer = agent.chat("Fix a.sh.").await.unwrap();
    assert!(answer.contains("has worked for a while"), "{answer}");
    assert_eq!(results(&agent).len(), 8);
}

#[tokio::test]
async fn notes_for_a_summary_may_hold_blocks() {
    let small = Small::new(Script::new([Reply::text("Next:\n```bash\nls\n```\n")]), ".");
    let entries = [Entry::Note("Make notes. Call no tools.".to_string())];
    let request = Request {
        system: "",
        tools: &[],
        entries: &entries,
        max_tokens: None,
    };
    let deltas: Vec<Result<Delta, ModelError>> = small.stream(request).collect().await;
    let Some(Ok(Delta::Done(reply))) = deltas.last() else {
        panic!("a reply")
    };
    assert!(reply.calls.is_empty() && reply.text.contains("```bash"));
}

#[tokio::test]
async fn only_short_text_files_that_are_there_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("long.txt"), "x".repeat(7_000)).unwrap();
    std::fs::write(folder.path().join("raw.bin"), [0, 255, 7]).unwrap();
    std::fs::write(folder.path().join(".secret.txt"), "key").unwrap();
    std::fs::create_dir(folder.path().join("folder.d")).unwrap();
    let model = pieces(50, &["No."]);
    let mut agent = agent(model.clone(), folder.path());
    agent
        .chat("What are long.txt, raw.bin, .secret.txt, folder.d, gone.py, (a.sh)?")
        .await
        .unwrap();
    let asked = model.asked.lock().unwrap();
    let Entry::User(text) = &asked[0][0] else {
        panic!("the words")
    };
    assert_eq!(text.matches("```").count(), 2, "{text}");
    assert!(text.ends_with("```bash a.sh\necho 1\n```"));
}

proptest! {
    /// Whatever a model writes, the search for blocks ends, and what it finds lies in the text.
    #[test]
    fn any_text_can_be_searched_for_blocks(text in "(```|````|\n|bash|a.py|README.md|`|[ a-c.é]|<<<<<<< SEARCH\n|=======\n){0,40}") {
        prop_assert!(text.starts_with(blocks::prose(&text)));
        if let Some(block) = blocks::first(&text, true) {
            prop_assert!(text.get(block.start..block.end).is_some_and(|block| block.starts_with("```") || block.starts_with(char::is_whitespace)));
        }
    }
}
