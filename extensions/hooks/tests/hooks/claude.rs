//! A project that was set up for Claude Code, with its settings and scripts as they are.

use std::fs;
use std::path::Path;

use corecoder_hooks::Hooks;
use serde_json::{Value, json};

use crate::Place;
use crate::calls::{Talk, result};

/// A copy of the project, and its hooks.
fn project() -> (Place, Hooks) {
    let place = Place::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hooks/fixtures/.claude");
    let to = place.work.join(".claude");
    fs::create_dir_all(to.join("hooks")).unwrap();
    fs::copy(from.join("settings.json"), to.join("settings.json")).unwrap();
    for script in fs::read_dir(from.join("hooks")).unwrap() {
        let script = script.unwrap();
        fs::copy(script.path(), to.join("hooks").join(script.file_name())).unwrap();
    }
    let settings: Value = serde_json::from_str(&place.read(".claude/settings.json")).unwrap();
    let mut hooks = Hooks::new(&place.work, &place.work);
    assert_eq!(hooks.read(&settings, true), [""; 0]);
    assert_eq!(hooks.lines().len(), 5);
    (place, hooks)
}

#[tokio::test]
async fn settings_of_claude_code_work_as_they_are() {
    let (place, hooks) = project();
    let name = place.work.file_name().unwrap().to_str().unwrap();
    let start = hooks.session_start("startup").await;
    assert_eq!(start.context, Some(format!("The project is in {name}.")));
    assert_eq!(hooks.session_start("clear").await, Default::default());
    fs::write(place.work.join("old"), "x").unwrap();
    let talk = Talk::new(&place, &hooks);
    let round = talk
        .round([
            ("bash", json!({"command": "rm old"})),
            ("bash", json!({"command": "deploy --all"})),
            ("bash", json!({"command": "echo plain"})),
            (
                "write_file",
                json!({"file_path": ".env.local", "content": "KEY=1"}),
            ),
            (
                "write_file",
                json!({"file_path": "a.rs", "content": "// TODO\n"}),
            ),
            (
                "edit_file",
                json!({"file_path": "a.rs", "old_string": "TODO", "new_string": "done"}),
            ),
        ])
        .await;
    assert_eq!(
        result(&round, 0),
        "Error: not allowed: blocked by a hook: Nothing is deleted in this project; move it to attic/ instead."
    );
    assert!(place.work.join("old").exists());
    assert_eq!(
        result(&round, 1),
        "dry run: deploy --all\n[a PreToolUse hook says: Deployments are dry runs here.]"
    );
    assert_eq!(result(&round, 2), "plain");
    assert!(
        result(&round, 3).contains(".env.local holds secrets"),
        "{}",
        result(&round, 3)
    );
    assert!(!place.work.join(".env.local").exists());
    let todo = format!(
        "[a PostToolUse hook says: {}/a.rs still holds a TODO]",
        place.work.display()
    );
    assert!(result(&round, 4).ends_with(&todo), "{}", result(&round, 4));
    assert!(!result(&round, 5).contains("hook"), "{}", result(&round, 5));
    assert_eq!(place.read("a.rs"), "// done\n");
    let end = hooks.stop(false).await;
    assert_eq!(
        end.blocked.as_deref(),
        Some("Add a line to CHANGELOG.md before you end.")
    );
    assert_eq!(hooks.stop(true).await, Default::default());
}
