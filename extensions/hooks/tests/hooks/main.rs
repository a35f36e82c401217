//! Hooks as real programs: the shapes of their files, what they are told, what their answers mean, how they may behave,
//! and their say in the calls of a real agent.

mod calls;
mod claude;
mod outcomes;
mod programs;
mod shapes;
mod told;

use std::fs;
use std::path::PathBuf;

use corecoder::ToolCall;
use corecoder_hooks::Hooks;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A folder to work in, which goes away by itself.
struct Place {
    _temp: TempDir,
    work: PathBuf,
}

impl Place {
    fn new() -> Place {
        let temp = tempfile::tempdir().unwrap();
        let work = fs::canonicalize(temp.path()).unwrap();
        Place { _temp: temp, work }
    }

    /// The hooks of this JSON, which has no problems.
    fn hooks(&self, json: &Value) -> Hooks {
        let mut hooks = Hooks::new(&self.work, &self.work);
        assert_eq!(hooks.read(json, false), [""; 0]);
        hooks
    }

    /// One hook for one event.
    fn hook(&self, event: &str, command: &str) -> Hooks {
        self.hooks(&json!({event: [{"command": command}]}))
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.work.join(file)).unwrap_or_default()
    }

    /// What a hook wrote down with `cat > FILE`.
    fn told(&self, file: &str) -> Value {
        serde_json::from_str(&self.read(file)).unwrap()
    }
}

fn call(name: &str, args: Value) -> ToolCall {
    ToolCall {
        id: "call_0".to_string(),
        name: name.to_string(),
        args: Ok(args),
        echo: Map::new(),
    }
}
