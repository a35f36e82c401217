//! `corecoder demo`: the agent finds and fixes a bug, without a key and without a network.
//!
//! The loop, the HTTP client, the tools and the screen are the real ones. Only the model's words are written
//! beforehand; a server on loopback speaks them in the providers' protocol.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use console::style;
use corecoder::{Agent, Llm};
use corecoder_sandbox::Keeper;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::screen::{Screen, Show};
use crate::walls::{Walls, Way};
use crate::words::plain;

const PROGRAM: &str = "\
#!/bin/sh
# Prints the sum of its arguments.
sum=1
for number in \"$@\"; do
  sum=$((sum + number))
done
echo \"$sum\"
";
const TEST: &str = "\
#!/bin/sh
# The sum of 2 and 3 is 5, and that of nothing is 0.
check() {
  if [ \"$1\" = \"$2\" ]; then echo \"ok: $3\"; else echo \"FAILED: $3: wanted $2, got $1\"; exit 1; fi
}
check \"$(sh sum.sh 2 3)\" 5 'two numbers'
check \"$(sh sum.sh)\" 0 'no numbers'
";
const TASK: &str = "test_sum.sh fails. Find the bug, fix it, and check that the test passes.";

/// What the model says in its n-th reply, and the calls it asks for.
fn script(reply: usize) -> (&'static str, Vec<(&'static str, Value)>) {
    match reply {
        0 => (
            "I'll read the program and its test, and see how it fails.",
            vec![
                ("read_file", json!({"file_path": "sum.sh"})),
                ("read_file", json!({"file_path": "test_sum.sh"})),
                ("bash", json!({"command": "sh test_sum.sh"})),
            ],
        ),
        1 => (
            "The sum starts at 1 where it should start at 0.",
            vec![
                (
                    "edit_file",
                    json!({"file_path": "sum.sh", "old_string": "sum=1\n", "new_string": "sum=0\n"}),
                ),
                ("bash", json!({"command": "sh test_sum.sh"})),
            ],
        ),
        _ => (
            "Fixed: `sum.sh` started counting at 1, so every sum was one too high. The test passes now.",
            vec![],
        ),
    }
}

pub async fn run(keeper: &Keeper) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new()
        .prefix("corecoder-demo-")
        .tempdir()?
        .keep();
    std::fs::write(folder.join("sum.sh"), PROGRAM)?;
    std::fs::write(folder.join("test_sum.sh"), TEST)?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("no port on loopback")?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    tokio::spawn(serve(listener));

    say!(
        "{}",
        style("A scripted model, everything else real: loop, HTTP, tools. No key, no network.")
            .dim()
    );
    say!("{} {TASK}", style(">").bold());
    let screen = Arc::new(Screen::new(Show {
        answer: true,
        details: true,
    }));
    let walls = Walls::usual(keeper, &folder);
    say!("{}", style(plain(&walls.summary())).dim());
    let mut agent = Agent::new(Llm::new("demo", "", Some(&url))?)
        .folder(&folder)
        .shell(walls.shell(Way::Within))
        .host(screen.clone());
    let answer = agent.chat(TASK).await;
    screen.clear();
    answer?;
    say!(
        "\n{}",
        style(format!("The folder is kept: {}", folder.display())).dim()
    );
    Ok(if passes(&folder)? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The demo's own check: the test that failed passes now.
fn passes(folder: &Path) -> anyhow::Result<bool> {
    let output = std::process::Command::new("sh")
        .arg("test_sum.sh")
        .current_dir(folder)
        .output()?;
    Ok(output.status.success())
}

async fn serve(listener: TcpListener) {
    while let Ok((connection, _)) = listener.accept().await {
        // A client that goes away in the middle has what it wanted.
        tokio::spawn(async move { drop(converse(connection).await) });
    }
}

/// Answers each request on one connection.
async fn converse(connection: TcpStream) -> anyhow::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let (mut length, mut line) = (0, String::new());
        while connection.read_line(&mut line).await? > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await?;
        let request: Value = serde_json::from_slice(&body)?;
        let messages = request["messages"].as_array().into_iter().flatten();
        let replies = messages
            .filter(|message| message["role"] == "assistant")
            .count();
        let stream = events(replies);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n",
            stream.len()
        );
        connection
            .write_all(format!("{head}{stream}").as_bytes())
            .await?;
    }
}

/// A reply as a provider streams it: words one by one, then calls, then the reason it ended.
fn events(reply: usize) -> String {
    let (text, calls) = script(reply);
    let mut deltas: Vec<Value> = text
        .split_inclusive(' ')
        .map(|word| json!({"content": word}))
        .collect();
    for (index, (name, args)) in calls.iter().enumerate() {
        let function = json!({"name": name, "arguments": args.to_string()});
        let id = format!("call_{reply}_{index}");
        deltas.push(json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}));
    }
    let finish = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    let chunk = |delta: Value, finish: Value| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        )
    };
    let mut stream: String = deltas
        .into_iter()
        .map(|delta| chunk(delta, Value::Null))
        .collect();
    stream += &chunk(json!({}), json!(finish));
    stream + "data: [DONE]\n\n"
}
