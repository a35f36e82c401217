//! The tools that the policy bears on beside the shell: what a command can't read, they don't show either, and a command that could
//! not read it is told why.
//!
//! (Tools that write ask the shell, whatever it is, so they need nothing here.)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::files::shown;
use corecoder::{Effect, Kit, Spec, Tool};
use serde_json::Value;

use crate::policy::Policy;

/// The tools, with those that read held to the policy.
pub fn confined(tools: Vec<Arc<dyn Tool>>, policy: &Policy) -> Vec<Arc<dyn Tool>> {
    let policy = Arc::new(policy.clone());
    let confine = |tool: Arc<dyn Tool>| -> Arc<dyn Tool> {
        let policy = policy.clone();
        match tool.spec().name.as_str() {
            "bash" => Arc::new(Explained { tool, policy }),
            "read_file" => Arc::new(Confined {
                tool,
                policy,
                argument: "file_path",
            }),
            "grep" | "glob" | "locate" => Arc::new(Confined {
                tool,
                policy,
                argument: "path",
            }),
            _ => tool,
        }
    };
    tools.into_iter().map(confine).collect()
}

const RULE: &str = "keys, passwords and the agent's own files are not read";

/// A tool that reads what one argument names.
struct Confined {
    tool: Arc<dyn Tool>,
    policy: Arc<Policy>,
    argument: &'static str,
}

#[async_trait]
impl Tool for Confined {
    fn spec(&self) -> Spec {
        self.tool.spec()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let path: PathBuf = kit
            .files
            .resolve(args[self.argument].as_str().unwrap_or("."))?;
        let real = path.canonicalize().unwrap_or(path);
        let hidden = self.policy.hidden();
        if hidden.iter().any(|hidden| real.starts_with(hidden)) {
            return Err(format!(
                "{} is kept from you: {RULE}. Do without it, or ask the user.",
                shown(&real)
            ));
        }
        self.tool.effect(args, kit)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        self.tool.call(args, kit).await
    }
}

/// The kernel refuses to read without a word to the keeper, so what failed is told by what the command printed.
struct Explained {
    tool: Arc<dyn Tool>,
    policy: Arc<Policy>,
}

#[async_trait]
impl Tool for Explained {
    fn spec(&self) -> Spec {
        self.tool.spec()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        self.tool.effect(args, kit)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let answer = self.tool.call(args, kit).await;
        answer.map_err(|text| {
            let denied = text.contains("Permission denied") || text.contains("permission denied");
            let hidden = self.policy.hidden();
            let named = hidden
                .iter()
                .find(|path| denied && names(&text, path, self.policy.home.as_deref()));
            match named {
                // The keeper saw it, and has said so.
                Some(_) if text.contains("[sandbox: reading") => text,
                Some(path) => format!(
                    "{text}\n[sandbox: reading {} was refused: {RULE}]",
                    shown(path)
                ),
                None => text,
            }
        })
    }
}

/// Whether a text speaks of this path, as a whole or from the home on.
fn names(text: &str, path: &Path, home: Option<&Path>) -> bool {
    let below = home.and_then(|home| path.strip_prefix(home).ok());
    [Some(path), below]
        .into_iter()
        .flatten()
        .any(|path| text.contains(&*path.to_string_lossy()))
}
