//! An agent that can only read: `cargo run -p corecoder --example reviewer`.
//!
//! Capability is constrained by withholding the tool. What an agent was not given it can't be talked into.

use corecoder::{Agent, Reply, Script, tools};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A script stands for the model, so that the example runs without a key. It tries what it must not do.
    let script = Script::new([
        Reply::calls([("bash", json!({"command": "rm notes.txt"}))]),
        Reply::calls([("glob", json!({"pattern": "*.rs"}))]),
        Reply::text("I may not delete anything, so I only looked."),
    ]);
    let mut reviewer = Agent::new(script).tools(tools::reading());
    println!("{}", reviewer.chat("Review this project.").await?);
    for entry in reviewer.history() {
        if let corecoder::Entry::Round(round) = entry {
            for (call, answer) in round.answered() {
                println!(
                    "{}: {}",
                    call.name,
                    answer.lines().next().unwrap_or_default()
                );
            }
        }
    }
    Ok(())
}
