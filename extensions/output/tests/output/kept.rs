//! What the tests share: a writer that keeps what is written, and a run that is printed to it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Agent, Approval, Effect, Host, Reply, Script, ToolCall};
use corecoder_output::sandbox::Borders;
use corecoder_output::{Form, Printer, Sandbox, Setup};
use parking_lot::Mutex;
use serde_json::Value;

/// What was written, write by write.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    /// The lines, each of which must be one write.
    pub fn lines(&self) -> Vec<Value> {
        let read = |write: &Vec<u8>| {
            let text = std::str::from_utf8(write).expect("UTF-8");
            let line = text.strip_suffix('\n').expect("a whole line");
            let ends = |end: char| matches!(end, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
            assert!(!line.contains(ends), "{line:?} ends before its end");
            serde_json::from_str(line).expect("JSON")
        };
        self.0.lock().iter().map(read).collect()
    }
}

/// Allows everything but commands that delete.
pub struct Careful;

#[async_trait]
impl Host for Careful {
    async fn approve(&self, _who: &str, call: &ToolCall, _effect: Effect) -> Approval {
        let deletes = call
            .args
            .as_ref()
            .is_ok_and(|args| args.to_string().contains("rm "));
        match deletes {
            true => Approval::No("nothing is deleted here".to_string()),
            false => Approval::Yes,
        }
    }
}

pub fn setup() -> Setup {
    Setup {
        session_id: "20261123-0001".to_string(),
        model: "script".to_string(),
        cwd: "/project".into(),
        tools: vec!["bash".to_string(), "read_file".to_string()],
        permission_mode: "ask".to_string(),
        slash_commands: vec!["compact".to_string()],
        skills: vec!["release".to_string()],
        version: "0.1.0".to_string(),
        mcp_servers: Vec::new(),
        sandbox: Sandbox::On(Borders {
            access: "workspace-write".to_string(),
            network: vec!["example.org".to_string()],
            mechanism: "landlock".to_string(),
        }),
    }
}

pub fn printer(form: Form) -> (Arc<Printer>, Kept) {
    printer_around(Arc::new(Careful), form)
}

pub fn printer_around(host: Arc<dyn Host>, form: Form) -> (Arc<Printer>, Kept) {
    let kept = Kept::default();
    let printer = Printer::new(host, setup(), form, Box::new(kept.clone()));
    (Arc::new(printer), kept)
}

/// An agent with the seven tools that says what it is told.
pub fn agent(
    folder: &Path,
    printer: &Arc<Printer>,
    replies: impl IntoIterator<Item = Reply>,
) -> Agent {
    Agent::new(Script::new(replies))
        .folder(folder)
        .host(printer.clone())
}

/// Each call has exactly one result, behind it, and the result of the run is last.
pub fn check_order(lines: &[Value]) {
    let mut open = Vec::new();
    for line in lines {
        let blocks = line["message"]["content"].as_array();
        for block in blocks.into_iter().flatten() {
            match block["type"].as_str() {
                Some("tool_use") => open.push((line["agent"].clone(), block["id"].clone())),
                Some("tool_result") => {
                    let call = (line["agent"].clone(), block["tool_use_id"].clone());
                    let at = open.iter().position(|one| *one == call);
                    open.remove(at.unwrap_or_else(|| panic!("{call:?} was not asked for")));
                }
                _ => {}
            }
        }
    }
    assert_eq!(open, [], "calls without a result");
    assert_eq!(
        lines.first().map(|line| &line["subtype"]),
        Some(&Value::from("init"))
    );
    let results = lines.iter().filter(|line| line["type"] == "result").count();
    assert_eq!(results, 1);
    assert_eq!(
        lines.last().map(|line| &line["type"]),
        Some(&Value::from("result"))
    );
}

pub const STEPS: Form = Form::StreamJson { partial: false };
