//! When a model is taken for a small one, what it is then told, and what its replies are said to take.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use corecoder::{Agent, Delta, Deltas, Entry, Model, Reply, Request, Usage, prompt, tools};
use corecoder_small::{Noticed, SYSTEM, Small};
use futures::{StreamExt, stream};
use serde_json::json;

/// What a request was: its system prompt, the number of tools, the entries.
type Asked = (String, usize, Vec<Entry>);

/// Says one reply after another, in two pieces, and keeps what it was asked.
#[derive(Clone)]
struct Scripted {
    replies: Arc<Mutex<Vec<Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

fn scripted(replies: impl IntoIterator<Item = Reply>) -> Scripted {
    let mut replies: Vec<Reply> = replies.into_iter().collect();
    replies.reverse();
    Scripted {
        replies: Arc::new(Mutex::new(replies)),
        asked: Arc::default(),
    }
}

impl Model for Scripted {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let asked = (
            request.system.to_string(),
            request.tools.len(),
            request.entries.to_vec(),
        );
        self.asked.lock().unwrap().push(asked);
        let reply = self.replies.lock().unwrap().pop().expect("a further reply");
        let half = reply.text.floor_char_boundary(reply.text.len() / 2);
        let (one, two) = reply.text.split_at(half);
        let pieces = [one, two].map(|piece| Delta::Text(piece.to_string()));
        let deltas = pieces.into_iter().chain([Delta::Done(reply)]).map(Ok);
        stream::iter(deltas.collect::<Vec<_>>()).boxed()
    }

    fn name(&self) -> &str {
        "scripted"
    }
}

/// An agent with the usual tools whose model may be noticed, and how often that is told.
fn agent(model: &Scripted, folder: &Path) -> (Agent, Arc<AtomicUsize>) {
    std::fs::write(folder.join("a.sh"), "echo 1\n").unwrap();
    std::fs::write(folder.join("test_a.sh"), "[ $(sh a.sh) = 2 ] && echo ok\n").unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let (count, is_weak) = (told.clone(), Arc::new(AtomicBool::new(false)));
    let small = Small::new(model.clone(), folder);
    let like_small = Agent::new(corecoder::Script::new([])).system(SYSTEM);
    let system = prompt::system(like_small.folder(folder).kit());
    let tools = corecoder_small::careful(&tools::seven(), &is_weak);
    let notice = move || {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let model = Noticed::new(Arc::new(model.clone()), small, system, is_weak, notice);
    (Agent::new(model).folder(folder).tools(tools), told)
}

/// A call of bash as text.
fn written(command: &str) -> Reply {
    let call = json!({"name": "bash", "arguments": {"command": command}});
    Reply::text(format!("```json\n{call}\n```"))
}

const FIX: &str = "The number is wrong.\n\n```bash a.sh\necho 2\n```\n";

#[tokio::test]
async fn a_model_that_writes_its_calls_as_text_twice_is_talked_to_in_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let model = scripted([
        written("sh test_a.sh"),
        written("sh test_a.sh; true"),
        Reply::text(FIX),
        Reply::text("```bash\nsh test_a.sh\n```"),
        Reply::text("It works."),
    ]);
    let (mut agent, told) = agent(&model, folder.path());
    let answer = agent.chat("test_a.sh fails. Fix a.sh.").await.unwrap();
    assert_eq!(answer, "It works.");
    assert_eq!(told.load(Ordering::Relaxed), 1);
    let fixed = std::fs::read_to_string(folder.path().join("a.sh")).unwrap();
    assert_eq!(fixed, "echo 2\n");
    let asked = model.asked.lock().unwrap();
    let tools: Vec<usize> = asked.iter().map(|(_, tools, _)| *tools).collect();
    assert_eq!(tools, [7, 7, 0, 0, 0]);
    assert!(asked[2].0.starts_with(SYSTEM) && asked[2].0.contains("Working directory:"));
    // What it tried before it knew how is not told again, and what came since is.
    assert_eq!([asked[1].2.len(), asked[2].2.len()], [2, 1]);
    assert!(asked[3].2.len() > 1);
}

#[tokio::test]
async fn a_call_as_text_that_comes_once_is_a_slip() {
    let folder = tempfile::tempdir().unwrap();
    let native = |command: &str| Reply::calls([("bash", json!({"command": command}))]);
    let model = scripted([
        written("ls"),
        native("echo 1"),
        native("echo 2"),
        Reply::text("Done: `{\"name\": \"bash\"}`."),
    ]);
    let (mut agent, told) = agent(&model, folder.path());
    agent.chat("Look around here, please.").await.unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 0);
    let asked = model.asked.lock().unwrap();
    assert!(asked.iter().all(|(_, tools, _)| *tools == 7));
}

#[tokio::test]
async fn a_word_in_passing_is_not_answered_by_a_demand_for_work() {
    let folder = tempfile::tempdir().unwrap();
    let model = scripted([Reply::text("You are welcome.")]);
    let small = Small::new(model.clone(), folder.path());
    let mut agent = Agent::new(small).system(SYSTEM);
    assert_eq!(agent.chat("Thank you!").await.unwrap(), "You are welcome.");
}

#[tokio::test]
async fn a_file_that_must_not_be_read_is_not_shown() {
    for (may_read, is_shown) in [(true, true), (false, false)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "the secret\n").unwrap();
        let model = scripted([Reply::text("It is short.")]);
        let small = Small::new(model.clone(), folder.path()).reads(move |_| may_read);
        Agent::new(small).chat("What is in a.txt?").await.unwrap();
        let asked = model.asked.lock().unwrap();
        let said = format!("{:?}", asked[0].2);
        assert_eq!(said.contains("the secret"), is_shown, "{said}");
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_is_estimated_and_a_whole_one_is_counted() {
    let counted = Usage {
        prompt: 1_234,
        completion: 56,
        ..Usage::default()
    };
    for is_whole in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let guesses = format!("{FIX}\n{}", "Then it will say ok. ".repeat(50));
        let reply = Reply {
            usage: Some(counted),
            ..Reply::text(guesses)
        };
        let model = scripted([reply]);
        let small = Small::new(model, folder.path());
        let small = if is_whole { small.whole() } else { small };
        let entries = [Entry::User("Write a.sh for me, please.".to_string())];
        let request = Request {
            system: SYSTEM,
            entries: &entries,
            ..Request::default()
        };
        let mut deltas: Vec<_> = small.stream(request).collect().await;
        let Some(Ok(Delta::Done(reply))) = deltas.pop() else {
            panic!("a reply")
        };
        assert_eq!(reply.calls.len(), 1);
        let usage = reply.usage.expect("a count");
        assert_eq!(usage == counted, is_whole);
        assert!((100..2_000).contains(&usage.prompt), "{usage:?}");
    }
}
