//! How programs behave, and that nothing of it hangs or ends the loop.

use std::fs;
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use corecoder_hooks::{Decision, Hooks};
use serde_json::{Value, json};

use crate::{Place, call};

/// Tells when every process that opened the file for writing is gone.
fn watch(place: &Place) -> tokio::task::JoinHandle<String> {
    let fifo = place.work.join("alive");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        fs::File::open(fifo)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    })
}

#[tokio::test]
async fn when_its_time_is_up_a_hook_is_killed_with_all_it_started() {
    // Deaf to what asks nicely, with a child in the background and one in a group of its own.
    let command = "trap '' TERM INT HUP; exec 3>alive; sleep 1000 & echo $! > pid; timeout 1000 sleep 1000; sleep 1000";
    let place = Place::new();
    let gone = watch(&place);
    let hooks = place.hooks(&json!({"Stop": [{"command": command, "timeout": 2}]}));
    let heard = hooks.stop(false).await;
    assert_eq!(heard.blocked, None);
    assert!(
        heard.warnings[0].contains("took longer than 2 s and was killed"),
        "{heard:?}"
    );
    assert_eq!(gone.await.unwrap(), "");
    let stat = fs::read_to_string(format!("/proc/{}/stat", place.read("pid").trim()));
    let dead = stat.map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "));
    assert!(dead, "the sleeping child lives on");
}

#[tokio::test]
async fn a_hook_dies_with_the_future_that_waits_for_it() {
    let place = Place::new();
    let gone = watch(&place);
    let hooks = place.hook("Stop", "exec 3>alive; touch started; sleep 1000");
    let mut step = Box::pin(hooks.stop(false));
    while !place.work.join("started").exists() {
        // Polling is what keeps the step going; it ends as soon as the file is there.
        let _ = tokio::time::timeout(Duration::from_millis(5), &mut step).await;
    }
    drop(step);
    assert_eq!(gone.await.unwrap(), "");
}

#[tokio::test]
async fn no_answer_is_a_warning_or_a_no_if_the_entry_says_so() {
    let place = Place::new();
    let rows = [
        (json!({"command": "sleep 100", "timeout": 0.2}), false),
        (
            json!({"command": "sleep 100", "timeout": 0.2, "on_timeout": "skip"}),
            false,
        ),
        (
            json!({"command": "sleep 100", "timeout": 0.2, "on_timeout": "block"}),
            true,
        ),
        (
            json!({"command": "sleep 100", "timeout": 0.2, "blocking": true}),
            true,
        ),
        (json!({"command": "kill -9 $$"}), false),
        (json!({"command": "kill -9 $$", "blocking": true}), true),
    ];
    for (entry, blocks) in rows {
        let hooks = place
            .hooks(&json!({"PreToolUse": [entry], "PreCompact": [entry], "SessionStart": [entry]}));
        let before = hooks
            .before("", &call("bash", json!({"command": "ls"})))
            .await;
        assert_eq!(
            matches!(before.decision, Decision::Deny(_)),
            blocks,
            "{entry}"
        );
        assert_eq!(before.warnings.len(), 1, "{entry}: {before:?}");
        assert_eq!(
            hooks.pre_compact("auto", "").await.blocked.is_some(),
            blocks,
            "{entry}"
        );
        assert_eq!(
            hooks.session_start("startup").await.blocked,
            None,
            "{entry}"
        );
    }
}

/// The warning that this command comes to.
async fn warning(place: &Place, command: &str) -> String {
    let heard = place.hook("Stop", command).stop(false).await;
    assert_eq!(heard.blocked, None);
    heard.warnings.join("\n")
}

#[tokio::test]
async fn a_command_that_can_t_be_run_is_a_warning() {
    let place = Place::new();
    fs::create_dir(place.work.join("folder")).unwrap();
    fs::write(place.work.join("text"), "not a program").unwrap();
    let rows = [
        ("./folder", "exited with 126"),
        ("./text", "exited with 126"),
        ("./missing", "exited with 127"),
        ("no-such-program-here", "exited with 127"),
    ];
    for (command, wanted) in rows {
        let found = warning(&place, command).await;
        assert!(found.contains(wanted), "{command}: {found}");
    }
    let long = "x".repeat(10 << 20);
    let found = warning(&place, &long).await;
    assert!(found.contains("could not be run"), "{found}");
    assert!(found.len() < 300, "{}", found.len());
    let nowhere = place.work.join("nowhere");
    let mut hooks = Hooks::new(&nowhere, &nowhere);
    hooks.read(&json!({"Stop": [{"command": "true"}]}), false);
    let found = hooks.stop(false).await.warnings.join("\n");
    assert!(found.contains("could not be run"), "{found}");
}

#[tokio::test]
async fn a_hook_that_does_not_listen_is_none_the_worse_for_it() {
    let place = Place::new();
    let prompt = "long ".repeat(1 << 20);
    for command in [
        "exec 0<&-; echo heard",
        "head -c 10 >/dev/null; echo heard",
        "echo heard",
        "cat >/dev/null; echo heard",
    ] {
        let heard = place
            .hook("UserPromptSubmit", command)
            .user_prompt(&prompt)
            .await;
        assert_eq!(heard.context.as_deref(), Some("heard"), "{command}");
        assert_eq!(heard.warnings, [""; 0], "{command}");
    }
}

#[tokio::test]
async fn output_without_end_is_read_and_bounded() {
    let place = Place::new();
    let hooks = place.hooks(&json!({"UserPromptSubmit": [{"command": "head -c 100000000 /dev/zero | tr '\\0' x", "timeout": 60}]}));
    let heard = hooks.user_prompt("x").await;
    assert!(heard.context.unwrap().len() < 11_000);
    assert!(heard.warnings[0].contains("more than 1 MB"));
    let hooks = place.hooks(&json!({"Stop": [{"command": "head -c 5000000 /dev/zero | tr '\\0' x >&2; exit 2", "timeout": 60}]}));
    assert!(hooks.stop(false).await.blocked.unwrap().len() < 11_000);
    let hooks = place.hooks(&json!({"Stop": [{"command": "yes", "timeout": 0.3}]}));
    assert!(hooks.stop(false).await.warnings[0].contains("took longer"));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_as_well_as_they_can_be() {
    let place = Place::new();
    let heard = place
        .hook("UserPromptSubmit", "printf 'a\\377b\\033[2J'")
        .user_prompt("x")
        .await;
    assert_eq!(heard.context.as_deref(), Some("a\u{fffd}b[2J"));
    let heard = place
        .hook("Stop", "printf '\\377no' >&2; exit 2")
        .stop(false)
        .await;
    assert_eq!(heard.blocked.as_deref(), Some("\u{fffd}no"));
}

#[tokio::test]
async fn a_child_that_holds_the_pipes_is_not_waited_for() {
    let place = Place::new();
    let hooks = place.hooks(&json!({"UserPromptSubmit": [{"command": "sleep 300 & echo $! > pid; echo done", "timeout": 200}]}));
    let began = Instant::now();
    let heard = hooks.user_prompt("x").await;
    assert_eq!(heard.context.as_deref(), Some("done"));
    assert!(began.elapsed() < Duration::from_secs(100));
    // What a hook leaves running on purpose is left alone.
    let pid = place.read("pid");
    assert!(
        Command::new("kill")
            .arg(pid.trim())
            .status()
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn the_hooks_of_one_step_run_at_the_same_time() {
    let place = Place::new();
    fs::create_dir(place.work.join("here")).unwrap();
    // Each waits until all twenty are there: one after the other, none would come to its end.
    let wait = "until [ $(ls here | wc -l) -ge 20 ]; do sleep 0.05; done";
    let entry = |at: usize| json!({"command": format!("touch here/{at}; {wait}; echo {at}"), "timeout": 60});
    let entries: Vec<Value> = (0..20).map(entry).collect();
    let heard = place
        .hooks(&json!({"UserPromptSubmit": entries}))
        .user_prompt("x")
        .await;
    let order: Vec<String> = (0..20).map(|at: usize| at.to_string()).collect();
    assert_eq!(heard.context, Some(order.join("\n")));
    assert_eq!(heard.warnings, [""; 0]);
}

#[tokio::test]
async fn a_hook_runs_in_the_folder_with_the_environment_and_without_a_terminal() {
    let place = Place::new();
    let root = place.work.join("top");
    let mut hooks = Hooks::new(&place.work, &root);
    let command = "pwd -P; echo $CLAUDE_PROJECT_DIR; echo $CORECODER_PROJECT_DIR; echo ${PATH:+path}; (: </dev/tty) 2>/dev/null || echo none; [ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo session";
    assert_eq!(
        hooks.read(&json!({"SessionStart": [{"command": command}]}), false),
        [""; 0]
    );
    let heard = hooks.session_start("startup").await;
    let (work, root) = (place.work.display(), root.display());
    assert_eq!(
        heard.context,
        Some(format!("{work}\n{root}\n{root}\npath\nnone\nsession"))
    );
}
