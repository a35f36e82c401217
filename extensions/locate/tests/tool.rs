//! `locate` as a model calls it.

use std::fs;

use corecoder::{Agent, Effect, Script, Tool};
use corecoder_locate::Locate;
use serde_json::{Value, json};
use tempfile::TempDir;

fn project() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::create_dir(folder.path().join("sub")).expect("the folder can be made");
    let files = [
        ("sub/flux.rs", "fn flux() {}\n"),
        ("other.rs", "fn other() { flux() }\n"),
    ];
    for (path, text) in files {
        fs::write(folder.path().join(path), text).expect("the file can be written");
    }
    folder
}

async fn call(folder: &TempDir, args: Value) -> Result<String, String> {
    let agent = Agent::new(Script::new([])).folder(folder.path());
    Locate::default().call(args, agent.kit()).await
}

#[tokio::test]
async fn answers_name_files_as_other_tools_take_them() {
    let folder = project();
    let text = call(&folder, json!({"query": "flux"}))
        .await
        .expect("an answer");
    assert!(
        text.starts_with("1. sub/flux.rs\n   lines 1 in flux: 1: fn flux() {}\n2. other.rs\n"),
        "{text}"
    );
    for path in ["sub", "sub/", "./sub", "sub/flux.rs"] {
        let text = call(&folder, json!({"query": "flux", "path": path}))
            .await
            .expect("an answer");
        assert!(
            text.contains("sub/flux.rs\n") && !text.contains("other.rs"),
            "{path}: {text}"
        );
    }
    let text = call(&folder, json!({"query": "flux", "limit": 1}))
        .await
        .expect("an answer");
    assert!(!text.contains("other.rs"), "{text}");
}

#[tokio::test]
async fn what_can_not_be_asked_is_refused_in_words() {
    let folder = project();
    for args in [
        json!({"query": " "}),
        json!({"query": "flux", "path": "nowhere"}),
    ] {
        let problem = call(&folder, args).await.expect_err("a refusal");
        assert!(
            problem.contains("empty") || problem.contains("does not exist"),
            "{problem}"
        );
    }
}

#[test]
fn it_is_a_read() {
    let agent = Agent::new(Script::new([]));
    assert_eq!(
        Locate::default().effect(&json!({"query": "x"}), agent.kit()),
        Ok(Effect::Read)
    );
}

#[tokio::test]
async fn what_is_hidden_is_not_found() {
    let (folder, cache) = (
        project(),
        tempfile::tempdir().expect("a folder can be made"),
    );
    let root = folder.path().canonicalize().expect("it is there");
    let agent = Agent::new(Script::new([])).folder(folder.path());
    let ask = async |hidden: &str| {
        let hidden = root.join(hidden);
        let tool =
            Locate::new(Some(cache.path().to_path_buf())).without(move || vec![hidden.clone()]);
        tool.call(json!({"query": "flux"}), agent.kit())
            .await
            .expect("an answer")
    };
    // First without, so that a cache knows all of it.
    assert!(ask("nothing").await.contains("sub/flux.rs"));
    for hidden in ["sub", "sub/flux.rs"] {
        let text = ask(hidden).await;
        assert!(
            !text.contains("flux.rs") && text.contains("other.rs"),
            "{text}"
        );
    }
    assert!(ask("").await.starts_with("Nothing found"));
}
