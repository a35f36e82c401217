//! What a hook is told on stdin, and in which spelling.

use std::path::Path;

use corecoder_hooks::Hooks;
use serde_json::{Value, json};

use crate::{Place, call};

#[tokio::test]
async fn each_step_tells_its_fields() {
    let place = Place::new();
    let names = [
        "SessionStart",
        "UserPromptSubmit",
        "PreToolUse",
        "PreCompact",
        "Stop",
    ];
    let entry = |name: &&str| {
        (
            name.to_string(),
            json!([{"command": format!("cat > {name}.json")}]),
        )
    };
    let hooks = place.hooks(&Value::Object(names.iter().map(entry).collect()));
    hooks.session("id-1", Some(Path::new("/home/me/id-1.jsonl")));
    hooks.mode("plan");
    hooks.session_start("resume").await;
    hooks.user_prompt("fix \"it\"\n").await;
    hooks.pre_compact("auto", "keep names").await;
    hooks.stop(true).await;
    hooks
        .before("", &call("bash", json!({"command": "ls"})))
        .await;
    let own = [
        json!({"source": "resume"}),
        json!({"prompt": "fix \"it\"\n"}),
        json!({"tool_name": "bash", "tool_input": {"command": "ls"}, "tool_use_id": "call_0"}),
        json!({"trigger": "auto", "custom_instructions": "keep names"}),
        json!({"stop_hook_active": true}),
    ];
    for (name, own) in names.iter().zip(own) {
        let mut wanted = json!({
            "session_id": "id-1", "transcript_path": "/home/me/id-1.jsonl", "cwd": place.work,
            "permission_mode": "plan", "hook_event_name": name,
        });
        wanted
            .as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        assert_eq!(place.told(&format!("{name}.json")), wanted);
    }
}

/// What a hook with this matcher is told of a call.
async fn told(matcher: &str, foreign: bool, tool: &str, args: Value) -> Value {
    let place = Place::new();
    let mut hooks = Hooks::new(&place.work, &place.work);
    let json = json!({"hooks": {"PreToolUse": [{"matcher": matcher, "hooks": [{"command": "cat > told.json"}]}]}});
    assert_eq!(hooks.read(&json, foreign), [""; 0]);
    hooks.before("", &call(tool, args)).await;
    let told = place.told("told.json");
    let text = json!([told["tool_name"], told["tool_input"]]).to_string();
    let text = text.replace(place.work.to_str().unwrap(), "/here");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn the_matcher_or_the_file_decides_the_spelling() {
    let edit = json!({"file_path": "a.rs", "old_string": "x", "new_string": "y"});
    let whole = json!({"file_path": "/here/a.rs", "old_string": "x", "new_string": "y"});
    let list = json!({"command": "ls", "timeout": 5});
    let slow = json!({"command": "ls", "timeout": 5000});
    let rows = [
        ("bash", false, "bash", &list, json!(["bash", list])),
        ("Bash", false, "bash", &list, json!(["Bash", slow])),
        ("bash", true, "bash", &list, json!(["Bash", slow])),
        ("*", false, "bash", &list, json!(["bash", list])),
        ("*", true, "bash", &list, json!(["Bash", slow])),
        (
            "Bash|edit_file",
            false,
            "edit_file",
            &edit,
            json!(["edit_file", edit]),
        ),
        (
            "Edit|Write",
            false,
            "edit_file",
            &edit,
            json!(["Edit", whole]),
        ),
        (
            "MultiEdit",
            false,
            "edit_file",
            &edit,
            json!(["Edit", whole]),
        ),
        (
            "Write",
            false,
            "write_file",
            &json!({"file_path": "/a", "content": "c"}),
            json!(["Write", {"file_path": "/a", "content": "c"}]),
        ),
        (
            "Read",
            false,
            "read_file",
            &json!({"file_path": "b", "limit": 3}),
            json!(["Read", {"file_path": "/here/b", "limit": 3}]),
        ),
        (
            "Grep",
            false,
            "grep",
            &json!({"pattern": "p", "include": "*.rs", "path": "src"}),
            json!(["Grep", {"pattern": "p", "path": "/here/src", "glob": "*.rs"}]),
        ),
        (
            "Task",
            false,
            "agent",
            &json!({"task": "look", "background": true}),
            json!(["Task", {"prompt": "look", "run_in_background": true, "description": "look", "subagent_type": "general-purpose"}]),
        ),
        (
            "*",
            true,
            "mcp__a__b",
            &json!({"x": 1}),
            json!(["mcp__a__b", {"x": 1}]),
        ),
    ];
    for (matcher, foreign, tool, args, wanted) in rows {
        let told = told(matcher, foreign, tool, args.clone()).await;
        assert_eq!(told, wanted, "{matcher} {foreign}");
    }
}

#[tokio::test]
async fn arguments_that_are_no_json_are_not_asked_about() {
    let place = Place::new();
    let hooks = place.hook("PreToolUse", "exit 2");
    let mut broken = call("bash", Value::Null);
    broken.args = Err("{\"comm".to_string());
    assert_eq!(hooks.before("", &broken).await, Default::default());
}
