//! What is on the disk by the time that something depends on it.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corecoder::host::Silent;
use corecoder::session::{Fact, lines};
use corecoder::tools::{self, Tool};
use corecoder::{Agent, Deltas, Effect, Entry, Kit, Model, Reply, Request, Script, Spec};
use corecoder_sessions::session::Session;
use corecoder_sessions::track::Tracker;
use serde_json::{Value, json};

use crate::{Home, PROGRAM, loaded, recorder, user};

/// The kinds of the facts in a journal, in order.
fn kinds(path: &PathBuf) -> Vec<String> {
    let journal = fs::read(path).unwrap_or_default();
    let kind = |fact: &Fact| match serde_json::to_value(fact).unwrap() {
        Value::String(kind) => kind,
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    };
    lines(&journal)
        .map(|(_, line)| kind(&line.unwrap().fact))
        .collect()
}

type Log = Arc<Mutex<Vec<(String, Vec<String>)>>>;

/// Looks at the journal whenever it is asked or called.
#[derive(Clone)]
struct Spy {
    journal: PathBuf,
    log: Log,
}

impl Spy {
    fn look(&self, when: &str) {
        self.log
            .lock()
            .unwrap()
            .push((when.to_string(), kinds(&self.journal)));
    }
}

struct Watched(Spy, Script);

impl Model for Watched {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        self.0.look("request");
        self.1.stream(request)
    }

    fn name(&self) -> &str {
        "watched"
    }
}

#[async_trait]
impl Tool for Spy {
    fn spec(&self) -> Spec {
        Spec {
            name: "change".into(),
            description: "".into(),
            parameters: tools::schema(json!({"file_path": {"type": "string"}}), &["file_path"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Write)
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        self.look("call");
        let kept = fs::read_dir(self.journal.with_extension("files"))
            .map_err(|error| error.to_string())?;
        let contents = kept
            .flatten()
            .filter_map(|file| fs::read_to_string(file.path()).ok());
        assert_eq!(
            contents.collect::<Vec<_>>(),
            ["before"],
            "what is to be changed is kept first"
        );
        fs::write(args["file_path"].as_str().unwrap(), "after")
            .map_err(|error| error.to_string())?;
        Ok("changed".into())
    }
}

#[tokio::test]
async fn each_fact_is_written_before_the_step_that_depends_on_it() {
    let home = Home::new();
    home.write("file", "before");
    let session = home.begin("a");
    let spy = Spy {
        journal: session.path().to_path_buf(),
        log: Log::default(),
    };
    let reply = Reply::calls([("change", json!({"file_path": home.path("file")}))]);
    let model = Watched(spy.clone(), Script::new([reply, Reply::text("done")]));
    let tracker = Tracker::new(session.clone(), home.work.clone());
    let tools = tracker.follow(&[Arc::new(spy.clone()) as Arc<dyn Tool>]);
    let mut agent = Agent::new(model)
        .tools(tools)
        .host(recorder(&session, Silent));
    agent.chat("go").await.unwrap();
    let expected: [(&str, &[&str]); 3] = [
        ("request", &["session", "opened", "user"]),
        (
            "call",
            &[
                "session", "opened", "user", "spent", "reply", "approval", "started",
            ],
        ),
        (
            "request",
            &[
                "session",
                "opened",
                "user",
                "spent",
                "reply",
                "approval",
                "started",
                "extension",
                "result",
            ],
        ),
    ];
    let log = spy.log.lock().unwrap();
    let seen: Vec<(&str, Vec<&str>)> = log
        .iter()
        .map(|(when, kinds)| (when.as_str(), kinds.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(seen, expected.map(|(when, kinds)| (when, kinds.to_vec())));
}

#[test]
fn nothing_is_written_before_the_first_fact() {
    let home = Home::new();
    let session = home.begin("a");
    session.sync();
    assert!(!home.data().exists());
    session.record("", user("hi"));
    assert_eq!(loaded(session.path()).entries, [Entry::User("hi".into())]);
}

#[test]
fn a_copy_begins_with_what_was_said_before() {
    let home = Home::new();
    let before = vec![Entry::User("before".into())];
    let session = Session::begin(home.sessions().folder(), home.header("b"), before.clone());
    assert!(!session.path().exists());
    session.record("", user("hi"));
    assert_eq!(
        loaded(session.path()).entries,
        [before, vec![Entry::User("hi".into())]].concat()
    );
}

#[tokio::test]
async fn what_could_not_be_kept_is_told_and_goes_out_when_it_can() {
    let home = Home::new();
    let session = home.begin("a");
    fs::create_dir(home.data()).unwrap();
    fs::write(home.sessions().folder(), "a file in the way").unwrap();
    session.record("", user("one"));
    let why = session.failed().await;
    assert!(
        why.contains("can't be saved") && why.contains("sessions"),
        "{why}"
    );
    session.record("", user("two"));
    fs::remove_file(home.sessions().folder()).unwrap();
    session.record("", user("three"));
    let failed = futures::FutureExt::now_or_never(session.failed());
    assert_eq!(failed, None, "it is kept again");
    let said = ["one", "two", "three"].map(|text| Entry::User(text.into()));
    assert_eq!(loaded(session.path()).entries, said);
    let path = session.path().to_path_buf();
    drop(session);
    assert_eq!(Session::resume(&path, PROGRAM).unwrap().1.entries, said);
}
