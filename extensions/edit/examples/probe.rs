//! Drives the tools from outside: `probe edit` reads a JSON value a line and answers with one.
//!
//! In: `{"content": ..., "old": ..., "new": ...}`. Out: `{"result": the content after the edit}`, or `{"error": what
//! the model would read}`. Each goes through an agent's loop, as a call of a scripted model.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Agent, Approval, Effect, Entry, Event, Host, Reply, Script, ToolCall};
use corecoder_edit::EditFile;
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match std::env::args().nth(1).as_deref() {
        Some("edit") => runtime.block_on(edits()),
        mode => Err(format!("unknown mode {mode:?}; see the top of probe.rs").into()),
    }
}

async fn edits() -> Outcome {
    let folder = tempfile::tempdir()?;
    let input = std::io::BufReader::with_capacity(1 << 20, std::io::stdin());
    for line in input.lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let answer = edited(&case, folder.path()).await?;
        // Readers that split at every Unicode line end must find one line.
        let mut answer = answer.to_string();
        for (end, escaped) in LINE_ENDS {
            if answer.contains(end) {
                answer = answer.replace(end, escaped);
            }
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

const LINE_ENDS: [(&str, &str); 3] = [
    ("\u{85}", "\\u0085"),
    ("\u{2028}", "\\u2028"),
    ("\u{2029}", "\\u2029"),
];

async fn edited(case: &Value, folder: &Path) -> Outcome<Value> {
    let file = folder.join("file");
    std::fs::write(&file, case["content"].as_str().unwrap_or_default())?;
    let args = json!({"file_path": "file", "old_string": case["old"], "new_string": case["new"]});
    let replies = [
        Reply::calls(vec![("edit_file".to_string(), args)]),
        Reply::text("done"),
    ];
    let mut agent = Agent::new(Script::new(replies))
        .folder(folder)
        .tools(vec![Arc::new(EditFile)])
        .host(Arc::new(Willing));
    agent.chat("go").await?;
    let rounds = agent.history().iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(round),
        _ => None,
    });
    let answers = rounds.flat_map(|round| round.answered());
    let answer: String = answers.map(|(_, answer)| answer.to_string()).collect();
    Ok(match answer.strip_prefix("Error: ") {
        Some(error) => json!({"error": error}),
        None => json!({"result": std::fs::read_to_string(&file)?}),
    })
}

/// A host that allows everything.
struct Willing;

#[async_trait]
impl Host for Willing {
    fn event(&self, _who: &str, _event: &Event<'_>) {}

    async fn approve(&self, _who: &str, _call: &ToolCall, _effect: Effect) -> Approval {
        Approval::Yes
    }
}
