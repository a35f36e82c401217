//! The engine in a program of your own: `cargo run -p corecoder --example hello`.

use corecoder::{Agent, Llm};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let llm = Llm::new(
        "deepseek-v4-flash",
        "sk-...",
        Some("https://api.deepseek.com"),
    )?;
    let task = "find every TODO comment in this project and list them";
    println!("{}", Agent::new(llm).chat(task).await?);
    Ok(())
}
