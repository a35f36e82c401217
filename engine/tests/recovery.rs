//! Calls that models wrote as text: each reply in `data/recovery` stands there as a model wrote it, with what is run.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corecoder::tools::{Effect, Spec, Tool};
use corecoder::{Agent, Kit, Reply, Script};
use serde_json::{Value, json};

/// A tool of this name that notes its calls and does nothing.
struct Noted(&'static str, Arc<Mutex<Vec<Value>>>);

#[async_trait]
impl Tool for Noted {
    fn spec(&self) -> Spec {
        Spec {
            name: self.0.to_string(),
            description: String::new(),
            parameters: json!({"type": "object", "additionalProperties": true}),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        let reads = self.0 == "read_file";
        Ok(if reads { Effect::Read } else { Effect::Write })
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        self.1.lock().unwrap().push(json!([self.0, args]));
        Ok("done".to_string())
    }
}

/// What is run of a reply, as `[name, arguments]`, in the order of the calls.
async fn run(text: &str) -> Vec<Value> {
    let calls = Arc::default();
    let tool = |name| -> Arc<dyn Tool> { Arc::new(Noted(name, Arc::clone(&calls))) };
    let names = ["bash", "edit_file", "read_file", "write_file"];
    let mut agent = Agent::new(Script::new([Reply::text(text), Reply::text("done")]))
        .tools(names.map(tool).to_vec());
    let answer = agent.chat("go").await.unwrap();
    let calls = calls.lock().unwrap().clone();
    assert_eq!(answer == "done", !calls.is_empty(), "{text}");
    calls
}

#[tokio::test]
async fn what_a_model_wrote_as_a_call_is_run_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recovery");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 30, "the replies are there");
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (wanted, reply) = text.split_once('\n').unwrap();
        let wanted: Vec<Value> = serde_json::from_str(wanted).unwrap();
        let calls = run(reply).await;
        if calls != wanted {
            wrong.push(format!("{}: {}", file.display(), json!(calls)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest::proptest! {
    /// Whatever a model writes, the search for calls ends without a crash.
    #[test]
    fn any_text_can_be_searched_for_calls(text in "([{}\\[\\]<>()=,:\"'\\\\ \n`a-cé]|bash|name|\"arguments\"|<function=|Action: ){0,60}") {
        corecoder::recovery::in_text(&text);
    }
}
