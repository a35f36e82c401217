//! A real agent whose host asks the hooks: what they refuse, replace and append.

use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{
    Agent, Approval, Effect, Entry, Host, Kit, Reply, Round, Script, Shell, Spec, Tool, ToolCall,
    tools,
};
use corecoder_hooks::{Decision, Hooks};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::Place;

/// Asks the hooks, and keeps what the user would have been asked: name, the tool's word, the real effect, decision.
struct Asking {
    hooks: Hooks,
    seen: Mutex<Vec<(String, Effect, Effect, Decision)>>,
    /// What the user answers to `ask`, one after the other.
    refuse: Mutex<Vec<bool>>,
}

#[async_trait]
impl Host for Asking {
    async fn approve(&self, who: &str, call: &ToolCall, effect: Effect) -> Approval {
        let before = self.hooks.before(who, call).await;
        let real = self.hooks.effect_of(call, effect);
        let row = (call.name.clone(), effect, real, before.decision.clone());
        self.seen.lock().push(row);
        match before.decision {
            Decision::Deny(reason) => Approval::No(reason),
            Decision::Ask(_) if self.refuse.lock().pop() == Some(true) => {
                Approval::No("the user says no".into())
            }
            _ => Approval::Yes,
        }
    }
}

/// An agent in a place, with hooks.
pub struct Talk {
    place: std::path::PathBuf,
    hooks: Hooks,
    host: Arc<Asking>,
}

impl Talk {
    pub fn new(place: &Place, hooks: &Hooks) -> Talk {
        let host = Arc::new(Asking {
            hooks: hooks.clone(),
            seen: Mutex::default(),
            refuse: Mutex::default(),
        });
        Talk {
            place: place.work.clone(),
            hooks: hooks.clone(),
            host,
        }
    }

    fn agent(&self, replies: Vec<Reply>, extra: Vec<Arc<dyn Tool>>) -> Agent {
        let mut all = tools::seven();
        all.extend(extra);
        Agent::new(Script::new(replies))
            .folder(&self.place)
            .tools(self.hooks.follow(&all))
            .host(self.host.clone())
            .shell(Knowing)
    }

    /// The round of one reply with these calls.
    pub async fn round<const N: usize>(&self, calls: [(&str, Value); N]) -> Round {
        // A sub-agent takes one of the answers.
        let done = || Reply::text("done");
        let replies = vec![Reply::calls(calls), done(), done()];
        let mut agent = self.agent(replies, vec![Arc::new(Lookup)]);
        agent.chat("go").await.unwrap();
        first(agent.history())
    }
}

fn first(history: &[Entry]) -> Round {
    let rounds = history.iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(round.clone()),
        _ => None,
    });
    rounds.into_iter().next().unwrap()
}

pub fn result(round: &Round, at: usize) -> String {
    round.answered().nth(at).unwrap().1.to_string()
}

/// Takes `cat` and `ls` for readers, and refuses `shutdown`.
struct Knowing;

impl Shell for Knowing {
    fn effect(&self, line: &str, _cwd: &std::path::Path) -> Result<Effect, String> {
        match line.split_whitespace().next() {
            Some("cat" | "ls") => Ok(Effect::Read),
            Some("shutdown") => Err("a guard refuses this".to_string()),
            _ => Ok(Effect::Write),
        }
    }

    fn command(&self, line: &str) -> tokio::process::Command {
        corecoder::shell::Bash.command(line)
    }
}

/// A reading tool from somewhere else.
struct Lookup;

#[async_trait]
impl Tool for Lookup {
    fn spec(&self) -> Spec {
        Spec {
            name: "mcp__a__lookup".to_string(),
            description: "Looks up".to_string(),
            parameters: tools::schema(
                json!({"word": {"type": "string"}, "count": {"type": "integer"}}),
                &["word"],
            ),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        Ok(format!("looked up {args}"))
    }
}

fn replaces(input: Value) -> String {
    let output = json!({"hookSpecificOutput": {"updatedInput": input}});
    format!("cat >/dev/null; printf %s '{output}'")
}

#[tokio::test]
async fn a_refused_call_never_runs_and_the_model_reads_why() {
    let place = Place::new();
    let hooks = place.hook("PreToolUse", "echo frozen >&2; exit 2");
    let round = Talk::new(&place, &hooks)
        .round([("write_file", json!({"file_path": "a", "content": "x"}))])
        .await;
    assert_eq!(
        result(&round, 0),
        "Error: not allowed: blocked by a hook: frozen"
    );
    assert!(!place.work.join("a").exists());
}

#[tokio::test]
async fn the_tool_gets_the_input_that_the_hook_wrote() {
    let place = Place::new();
    let rows = [
        (
            "bash",
            "bash",
            json!({"command": "echo 1"}),
            json!({"command": "echo 2"}),
            "2",
        ),
        (
            "Bash",
            "bash",
            json!({"command": "echo 1", "timeout": "9"}),
            json!({"command": "echo 2", "timeout": 2500}),
            "2",
        ),
        (
            "*",
            "mcp__a__lookup",
            json!({"word": "a", "count": "5"}),
            json!({"word": "b", "count": null}),
            "looked up {\"word\":\"b\"}",
        ),
        (
            "*",
            "mcp__a__lookup",
            json!({"word": "a", "count": null}),
            json!({"word": "c"}),
            "looked up {\"word\":\"c\"}",
        ),
        (
            "Task",
            "agent",
            json!({"task": "a"}),
            json!({"prompt": "x", "description": "d"}),
            "done",
        ),
    ];
    for (matcher, tool, args, input, wanted) in rows {
        let hooks =
            place.hooks(&json!({"PreToolUse": [{"matcher": matcher, "command": replaces(input)}]}));
        let round = Talk::new(&place, &hooks).round([(tool, args)]).await;
        assert_eq!(result(&round, 0), wanted, "{matcher} {tool}");
    }
}

#[tokio::test]
async fn of_several_inputs_the_last_counts() {
    let place = Place::new();
    let entry =
        |word: &str| json!({"command": replaces(json!({"command": format!("echo {word}")}))});
    // The first one is the last to answer.
    let slow =
        json!({"command": format!("sleep 0.3; {}", replaces(json!({"command": "echo slow"})))});
    let hooks = place
        .hooks(&json!({"PreToolUse": [slow, entry("one"), entry("two"), {"command": "true"}]}));
    let round = Talk::new(&place, &hooks)
        .round([("bash", json!({"command": "echo 0"}))])
        .await;
    assert_eq!(result(&round, 0), "two");
}

#[tokio::test]
async fn input_that_does_not_fit_is_the_hooks_fault() {
    let place = Place::new();
    let rows = [
        (json!({}), "`command` is missing"),
        (json!({"command": null}), "`command` is missing"),
        (json!({"command": 5}), "`command` must be of type string"),
        (
            json!({"command": "ls", "timeout": "soon"}),
            "`timeout` must be of type integer",
        ),
        (json!("ls"), "must be a JSON object"),
    ];
    for (input, wanted) in rows {
        let hooks = place.hook("PreToolUse", &replaces(input));
        let round = Talk::new(&place, &hooks)
            .round([("bash", json!({"command": "touch ran"}))])
            .await;
        let result = result(&round, 0);
        assert!(
            result.contains(wanted) && result.contains("the hook's fault"),
            "{result}"
        );
    }
    assert!(!place.work.join("ran").exists());
    let hooks = place.hook("PreToolUse", &replaces(json!({"command": "shutdown now"})));
    let round = Talk::new(&place, &hooks)
        .round([("bash", json!({"command": "touch ran"}))])
        .await;
    assert!(
        result(&round, 0).contains("a hook replaced the input of this call by one that is refused")
    );
    assert!(result(&round, 0).contains("a guard refuses this"));
}

#[tokio::test]
async fn input_for_a_tool_that_is_not_followed_is_refused_and_not_forgotten() {
    let place = Place::new();
    let hooks = place.hook("PreToolUse", &replaces(json!({"command": "ls"})));
    let before = hooks
        .before("", &crate::call("bash", json!({"command": "rm x"})))
        .await;
    assert!(matches!(before.decision, Decision::Deny(reason) if reason.contains("can't follow")));
}

#[tokio::test]
async fn a_read_that_a_hook_may_replace_is_scheduled_as_a_write_and_judged_as_what_it_is() {
    use Effect::{Delegate, Read, Write};
    let place = Place::new();
    let rows = [
        ("true", "bash", json!({"command": "ls"}), Write, Read),
        ("true", "bash", json!({"command": "touch x"}), Write, Write),
        (
            "true",
            "mcp__a__lookup",
            json!({"word": "a", "count": "3"}),
            Write,
            Read,
        ),
        ("true", "glob", json!({"pattern": "*"}), Read, Read),
        ("true", "agent", json!({"task": "a"}), Delegate, Delegate),
        (
            &replaces(json!({"command": "touch y"})),
            "bash",
            json!({"command": "ls"}),
            Write,
            Write,
        ),
        (
            &replaces(json!({"word": "y"})),
            "mcp__a__lookup",
            json!({"word": "a"}),
            Write,
            Write,
        ),
        (
            &replaces(json!({"pattern": "y"})),
            "glob",
            json!({"pattern": "*"}),
            Read,
            Read,
        ),
        (
            &replaces(json!({"task": "y"})),
            "agent",
            json!({"task": "a"}),
            Delegate,
            Delegate,
        ),
    ];
    for (command, tool, args, told, real) in rows {
        let talk = Talk::new(&place, &place.hook("PreToolUse", command));
        talk.round([(tool, args)]).await;
        let seen = talk.host.seen.lock();
        assert_eq!((seen[0].1, seen[0].2), (told, real), "{tool}: {command}");
    }
    // Where no hook applies, nothing changes.
    let hooks = place.hooks(&json!({"PreToolUse": [{"matcher": "Edit", "command": "exit 2"}], "PostToolUse": [{"command": "true"}]}));
    let talk = Talk::new(&place, &hooks);
    talk.round([("bash", json!({"command": "ls"}))]).await;
    assert_eq!(talk.host.seen.lock()[0].1, Read);
}

#[tokio::test]
async fn an_input_that_the_user_refused_is_not_used_for_the_next_call() {
    let place = Place::new();
    let command = "[ -e second ] || printf %s '{\"hookSpecificOutput\": {\"permissionDecision\": \"ask\", \"updatedInput\": {\"command\": \"echo bad\"}}}'; touch second";
    let talk = Talk::new(&place, &place.hook("PreToolUse", command));
    talk.host.refuse.lock().push(true);
    let same = ("bash", json!({"command": "echo good"}));
    let round = talk.round([same.clone(), same]).await;
    assert_eq!(result(&round, 0), "Error: not allowed: the user says no");
    assert_eq!(result(&round, 1), "good");
}

#[tokio::test]
async fn words_after_a_call_are_appended_to_its_result() {
    let place = Place::new();
    let rows = [
        (
            "echo 'bad style' >&2; exit 2",
            "[a PostToolUse hook says: bad style]",
        ),
        (
            "echo '{\"decision\": \"block\", \"reason\": \"lint\"}'",
            "[a PostToolUse hook says: lint]",
        ),
        (
            "echo '{\"hookSpecificOutput\": {\"additionalContext\": \"see docs\"}}'",
            "[a PostToolUse hook says: see docs]",
        ),
        (
            "echo '{\"continue\": false, \"stopReason\": \"enough\"}'",
            "tell the user why: enough]",
        ),
        ("echo nothing", "a"),
        ("exit 1", "a"),
    ];
    for (command, wanted) in rows {
        let round = Talk::new(&place, &place.hook("PostToolUse", command))
            .round([("bash", json!({"command": "echo a"}))])
            .await;
        let result = result(&round, 0);
        assert!(
            result.starts_with("a") && result.ends_with(wanted),
            "{command}: {result}"
        );
    }
}

#[tokio::test]
async fn hooks_are_told_what_came_of_a_call_and_warnings_reach_the_user() {
    let place = Place::new();
    let mut hooks = place.hooks(&json!({"PreToolUse": [{"command": replaces(json!({"command": "echo b; exit 3"}))}],
        "PostToolUse": [{"matcher": "bash", "command": "cat > ours.json; exit 7"}, {"matcher": "Bash", "command": "cat > theirs.json"}]}));
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let kept = warnings.clone();
    hooks.on_warning(move |text| kept.lock().push(text.to_string()));
    let round = Talk::new(&place, &hooks)
        .round([("bash", json!({"command": "echo a"}))])
        .await;
    assert!(result(&round, 0).starts_with("Error: [exit code: 3]"));
    let (ours, theirs) = (place.told("ours.json"), place.told("theirs.json"));
    assert_eq!(ours["hook_event_name"], "PostToolUse");
    assert_eq!(ours["tool_name"], "bash");
    assert_eq!(ours["tool_input"], json!({"command": "echo b; exit 3"}));
    assert_eq!(ours["tool_use_id"], "call_0");
    assert_eq!(ours["tool_response"], "Error: [exit code: 3]\nb");
    assert_eq!(theirs["tool_name"], "Bash");
    assert_eq!(theirs["tool_response"]["stdout"], ours["tool_response"]);
    assert_eq!(warnings.lock().len(), 1);
    assert!(warnings.lock()[0].contains("exited with 7"), "{warnings:?}");
}

#[tokio::test]
async fn hooks_follow_the_work_into_a_sub_agent_and_hear_of_its_end() {
    let place = Place::new();
    let hooks = place.hooks(&json!({
        "PreToolUse": [{"matcher": "write_file", "command": "echo frozen >&2; exit 2"}],
        "SubagentStop": [{"command": "cat > stop.json; echo 'no tests were run' >&2; exit 2"}],
    }));
    let talk = Talk::new(&place, &hooks);
    let write = ("write_file", json!({"file_path": "a", "content": "x"}));
    let replies = vec![
        Reply::calls([("agent", json!({"task": "write it"}))]),
        Reply::calls([write]),
        Reply::text("could not"),
        Reply::text("done"),
    ];
    let mut agent = talk.agent(replies, Vec::new());
    agent.chat("go").await.unwrap();
    let report = result(&first(agent.history()), 0);
    assert_eq!(
        report,
        "could not\n[a SubagentStop hook says: no tests were run]"
    );
    assert!(!place.work.join("a").exists());
    assert_eq!(place.told("stop.json")["hook_event_name"], "SubagentStop");
    assert_eq!(talk.host.seen.lock().len(), 2);
}

#[tokio::test]
async fn relative_paths_are_told_from_the_folder_that_the_agent_is_in() {
    let place = Place::new();
    std::fs::create_dir(place.work.join("sub")).unwrap();
    let hooks =
        place.hooks(&json!({"PreToolUse": [{"matcher": "Write", "command": "cat > told.json"}]}));
    let write = json!({"file_path": "a", "content": "x"});
    Talk::new(&place, &hooks)
        .round([
            ("bash", json!({"command": "cd sub"})),
            ("write_file", write),
        ])
        .await;
    let told = place.told("told.json");
    assert_eq!(
        told["tool_input"]["file_path"],
        json!(place.work.join("sub/a"))
    );
    assert_eq!(told["cwd"], json!(place.work.join("sub")));
}

#[tokio::test]
async fn many_calls_of_one_reply_each_get_their_own_word() {
    let place = Place::new();
    // Answers with the pattern that it was asked about, so that a mix-up shows.
    let command = "python3 -c 'import json, sys; p = json.load(sys.stdin)[\"tool_input\"][\"pattern\"]; \
        print(json.dumps({\"hookSpecificOutput\": {\"updatedInput\": {\"pattern\": p + \".txt\"}, \"additionalContext\": p}}))'";
    let hooks = place.hooks(&json!({"PreToolUse": [{"command": command, "timeout": 60}]}));
    for at in 0..8 {
        std::fs::write(place.work.join(format!("f{at}.txt")), "").unwrap();
    }
    let calls: [(&str, Value); 8] =
        std::array::from_fn(|at| ("glob", json!({"pattern": format!("f{at}")})));
    let round = Talk::new(&place, &hooks).round(calls).await;
    for at in 0..8 {
        let result = result(&round, at);
        assert!(
            result.contains(&format!("f{at}.txt")) && result.contains(&format!("says: f{at}]")),
            "{result}"
        );
    }
}
