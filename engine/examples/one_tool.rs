//! A tool of your own in one file: `cargo run -p corecoder --example one_tool`.
//!
//! The model here is a script, so that the example runs without a key; `Llm::new(...)` goes in its place.

use async_trait::async_trait;
use corecoder::{Agent, Effect, Kit, Reply, Script, Spec, Tool, tools};
use serde_json::{Value, json};

/// Counts the words of a text.
struct CountWords;

#[async_trait]
impl Tool for CountWords {
    fn spec(&self) -> Spec {
        Spec {
            name: "count_words".into(),
            description: "Count the words of a text.".into(),
            parameters: tools::schema(json!({"text": {"type": "string"}}), &["text"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        let words = args["text"].as_str().unwrap_or_default().split_whitespace();
        Ok(format!("{} words", words.count()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = json!({"text": "the quick brown fox"});
    let script = Script::new([Reply::calls([("count_words", text)]), Reply::text("Four.")]);
    let mut agent = Agent::new(script).tool(CountWords);
    println!(
        "{}",
        agent
            .chat("How many words has: the quick brown fox?")
            .await?
    );
    Ok(())
}
