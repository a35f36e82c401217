//! Drives the engine's parts from outside, one JSON value a line in, one a line out: `probe MODE`.
//!
//! Modes: `model` (environment `OPENAI_BASE_URL`, `OPENAI_API_KEY`, `CORECODER_MODEL`, and `QUIRK_DRIVE`, which is
//! `chat` for one model call or `agent` for the whole loop), `sse`, `gate`, `tools`, `edit`, `search`, `context`, and `shell`,
//! within the sandbox, whose mechanism may be named behind it.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use corecoder::context::Context;
use corecoder::session::{self, Fact, Header, Journal};
use corecoder::shell::Bash;
use corecoder::{
    Agent, AgentError, Approval, Config, Delta, Deltas, Effect, Entry, ErrorKind, Event, Host,
    Model, ModelError, Reply, Request, Script, Shell, ToolCall,
};
use corecoder_guard::Guard;
use corecoder_sandbox::{Keeper, Mechanism, Policy, Sandbox};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let keeper = Keeper::enter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&keeper))
}

async fn run(keeper: &Keeper) -> Outcome {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match mode.as_str() {
        "model" => model().await,
        "sse" => sse(),
        "gate" => gate(),
        "edit" => edit().await,
        "tools" => tools().await,
        "search" => search().await,
        "context" => context().await,
        "shell" => shell(keeper).await,
        _ => Err(format!("unknown mode {mode:?}; see the top of probe.rs").into()),
    }
}

fn print_line(value: &Value) -> Outcome {
    // Readers that split at every Unicode line end must find one line.
    let line = value.to_string();
    let line = line
        .replace('\u{85}', "\\u0085")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// In the mode `chat` the one reply is judged and its calls are not run.
async fn model() -> Outcome {
    let whole_loop = std::env::var("QUIRK_DRIVE").as_deref() == Ok("agent");
    let watcher = Arc::new(Watcher {
        last: Mutex::default(),
        approves: whole_loop,
    });
    let agent = Agent::new(Config::from_env()?.llm()?).host(watcher.clone());
    let result = agent
        .rounds(if whole_loop { 50 } else { 1 })
        .chat("go")
        .await;
    let last = watcher
        .last
        .lock()
        .map_err(|_| "a host call panicked")?
        .clone();
    print_line(&match (result, last) {
        (Err(AgentError::Model(error)), _) => failed(&error),
        (Err(error), None) => failed(&ModelError::new(ErrorKind::Other, error.to_string())),
        (_, reply) => described(&reply.unwrap_or_default()),
    })
}

fn failed(error: &ModelError) -> Value {
    let kind = match error.kind {
        ErrorKind::ContextTooLong => "context_length".to_string(),
        other => format!("{other:?}"),
    };
    json!({"text": "", "tool_calls": [], "error": error.message, "error_kind": kind})
}

fn described(reply: &Reply) -> Value {
    let calls = reply.calls.iter().map(|call| {
        json!({"id": call.id, "name": call.name, "arguments": call.args.clone().unwrap_or_else(Value::String)})
    });
    let usage = reply.usage.map(|usage| {
        json!({"prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached})
    });
    json!({
        "text": reply.text, "reasoning": reply.reasoning, "tool_calls": calls.collect::<Vec<_>>(),
        "usage": usage, "finish_reason": reply.finish, "error": null, "error_kind": null,
    })
}

/// Keeps the newest reply.
struct Watcher {
    last: Mutex<Option<Reply>>,
    approves: bool,
}

#[async_trait]
impl Host for Watcher {
    fn event(&self, _who: &str, event: &Event<'_>) {
        if let (Event::Replied(reply), Ok(mut last)) = (event, self.last.lock()) {
            *last = Some((*reply).clone());
        }
    }

    async fn approve(&self, _who: &str, _call: &ToolCall, _effect: Effect) -> Approval {
        if self.approves {
            Approval::Yes
        } else {
            Approval::No("only the reply is wanted".to_string())
        }
    }
}

fn sse() -> Outcome {
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let reads = case["reads"].as_array().into_iter().flatten().map(text);
        let (mut parser, mut events) = (corecoder::sse::Sse::default(), Vec::new());
        for read in reads {
            events.extend(parser.push(&STANDARD.decode(read)?));
        }
        let events = events
            .iter()
            .map(|event| json!({"event": event.event, "data": event.data, "id": event.id}));
        print_line(&events.collect())?;
    }
    Ok(())
}

fn gate() -> Outcome {
    let (guard, folder) = (guarded(), std::env::current_dir()?);
    for line in std::io::stdin().lock().lines() {
        let command: String = serde_json::from_str(&line?)?;
        println!(
            "{}",
            if guard.effect(&command, &folder).is_err() {
                "block"
            } else {
                "allow"
            }
        );
    }
    Ok(())
}

/// Calls on one agent's kit, in order; each line is one reply of a scripted model.
async fn tools() -> Outcome {
    let mut agent = Agent::new(Script::new([])).shell(guarded());
    let mut sessions = Sessions::default();
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let one = json!([[case["tool"], case["args"]]]);
        let calls = case["tools"]
            .as_array()
            .or(one.as_array())
            .into_iter()
            .flatten();
        let calls: Vec<(String, Value)> = calls
            .map(|call| (text(&call[0]), call[1].clone()))
            .collect();
        let result = match case["tool"].as_str() {
            Some("session_save") => sessions.save(&case["args"]),
            Some("session_load") => sessions.load(&case["args"]),
            _ => json!(answers(&mut agent, calls).await?.join("\n")),
        };
        print_line(&json!({"result": result}))?;
    }
    Ok(())
}

/// Journals by their ids; one that was saved or loaded stays open.
#[derive(Default)]
struct Sessions(HashMap<String, Journal>);

impl Sessions {
    /// Appends what is new of a history.
    fn save(&mut self, args: &Value) -> Value {
        let saved = self.open(args).and_then(|(journal, kept)| {
            let messages = args["messages"].as_array().cloned().unwrap_or_default();
            let new = messages.get(kept.len()..).unwrap_or_default();
            for entry in corecoder_sessions::messages::entries(new) {
                journal.append("", Fact::Entries(vec![entry]))?;
            }
            Ok(journal.sync()?)
        });
        saved.map_or_else(
            |error| json!(format!("Error: {error}")),
            |()| json!("saved"),
        )
    }

    fn load(&mut self, args: &Value) -> Value {
        match Sessions::path(args) {
            Ok(path) if !path.exists() => Value::Null,
            _ => {
                let loaded = self.open(args).map(|(_, kept)| kept);
                loaded.map_or_else(|error| json!(format!("Error: {error}")), Value::from)
            }
        }
    }

    fn path(args: &Value) -> Result<PathBuf, Box<dyn Error>> {
        let data = Config::from_env()?.data.ok_or("there is no home")?;
        let name = session::file_name(&text(&args["id"]));
        Ok(data.join("sessions").join(name))
    }

    /// The journal, and the messages that it holds, as they stand in the file now.
    fn open(&mut self, args: &Value) -> Result<(&mut Journal, Vec<Value>), Box<dyn Error>> {
        let path = Sessions::path(args)?;
        let id = text(&args["id"]);
        // It is read anew each time, as another process would.
        self.0.remove(&id);
        let (journal, entries) = if path.exists() {
            let (journal, loaded) = Journal::open(&path, "probe")?;
            (journal, loaded.entries)
        } else {
            let header = Header {
                id: id.clone(),
                ..Header::default()
            };
            (Journal::create(&path, header)?, Vec::new())
        };
        let journal = self.0.entry(id).insert_entry(journal).into_mut();
        Ok((journal, provider_form(&entries)))
    }
}

/// Commands in the folder where this was started, which they may write.
async fn shell(keeper: &Keeper) -> Outcome {
    let folder = std::env::current_dir()?;
    let config = Config::from_env()?;
    let mut policy = Policy::new(&folder);
    policy.home = config.home;
    policy.own = config.data;
    let sandbox = match std::env::args().nth(2).as_deref() {
        Some("namespaces") => Sandbox::under(Mechanism::Namespaces, keeper, &policy)?,
        Some("landlock") => Sandbox::under(Mechanism::Landlock, keeper, &policy)?,
        _ => Sandbox::new(keeper, &policy)?,
    };
    let mut agent = Agent::new(Script::new([])).folder(&folder).shell(sandbox);
    for line in std::io::stdin().lock().lines() {
        let args: Value = serde_json::from_str(&line?)?;
        let answers = answers(&mut agent, vec![("bash".to_string(), args)]).await?;
        println!("{}", answers.join(""));
    }
    Ok(())
}

async fn edit() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        std::fs::write(&file, text(&case["content"]))?;
        let mut agent = Agent::new(Script::new([])).folder(folder.path());
        let args =
            json!({"file_path": "file", "old_string": case["old"], "new_string": case["new"]});
        let answer = answers(&mut agent, vec![("edit_file".to_string(), args)])
            .await?
            .join("");
        match answer.strip_prefix("Error: ") {
            Some(error) => print_line(&json!({"error": error}))?,
            None => print_line(&json!({"result": std::fs::read_to_string(&file)?}))?,
        }
    }
    Ok(())
}

async fn search() -> Outcome {
    let mut agent = Agent::new(Script::new([]));
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let args = json!({"pattern": case["pattern"], "include": case["include"]});
        let answers = answers(&mut agent, vec![(text(&case["op"]), args)]).await?;
        print_line(&json!({"text": answers.join("")}))?;
    }
    Ok(())
}

/// Grows one conversation, message by message, and shows what would be sent; plays the model that summarizes.
async fn context() -> Outcome {
    let (mut context, mut entries, mut sent) = (Context::default(), Vec::new(), Vec::new());
    while let Some(case) = read_line()? {
        let messages = case["messages"].as_array().cloned().unwrap_or_default();
        if !messages.starts_with(&sent) {
            return Err("the conversation does not go on from what was sent".into());
        }
        entries.extend(corecoder_sessions::messages::entries(
            &messages[sent.len()..],
        ));
        let agent = Agent::new(Summarizer).window(case["max_tokens"].as_u64());
        context.fit(&mut entries, agent.kit()).await?;
        context.replied(&entries, None, agent.kit());
        sent = provider_form(&entries);
        print_line(&json!({"messages": sent}))?;
    }
    Ok(())
}

fn read_line() -> Result<Option<Value>, Box<dyn Error>> {
    let mut line = String::new();
    let length = std::io::stdin().lock().read_line(&mut line)?;
    Ok((length > 0)
        .then(|| serde_json::from_str(&line))
        .transpose()?)
}

/// The messages of a request with these entries, without the system prompt.
fn provider_form(entries: &[Entry]) -> Vec<Value> {
    let request = Request {
        system: "",
        tools: &[],
        entries,
        ..Request::default()
    };
    let messages = corecoder::wire::messages(&request, "");
    let messages = messages.iter().skip(1);
    messages.map(|message| json!(message)).collect()
}

/// A model whose summaries come from standard input.
struct Summarizer;

impl Model for Summarizer {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let shown: String = provider_form(request.entries)
            .iter()
            .map(|message| format!("[{}] {}\n", text(&message["role"]), said(message)))
            .collect();
        let answer = || -> Result<Option<String>, Box<dyn Error>> {
            print_line(&json!({"summarize": shown}))?;
            let answer = read_line()?.unwrap_or_default();
            Ok(answer["summary"].as_str().map(str::to_string))
        };
        let failed = || ModelError::new(ErrorKind::Other, "no summary");
        let reply = answer().ok().flatten().map(Reply::text).ok_or_else(failed);
        stream::iter([reply.map(Delta::Done)]).boxed()
    }

    fn name(&self) -> &str {
        "summarizer"
    }
}

fn said(message: &Value) -> String {
    let calls = message.get("tool_calls").map(Value::to_string);
    text(&message["content"]) + &calls.unwrap_or_default()
}

fn guarded() -> Guard<Bash> {
    Guard::new(Bash, Config::from_env().ok().and_then(|config| config.home))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// What the model would read of these calls, made in one reply.
async fn answers(
    agent: &mut Agent,
    calls: Vec<(String, Value)>,
) -> Result<Vec<String>, AgentError> {
    agent.resume(Vec::new());
    agent.set_model(Script::new([Reply::calls(calls), Reply::text("done")]));
    agent.chat("go").await?;
    let rounds = agent.history().iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(round),
        _ => None,
    });
    Ok(rounds
        .flat_map(|round| round.answered())
        .map(|(_, answer)| answer.to_string())
        .collect())
}
