//! Where files may be written: a shell that allows one folder is asked about each place, and links can't change which
//! one it was asked about.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Agent, Approval, Effect, Entry, Host, Reply, Script, Shell, ToolCall};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

mod commands;
mod races;
mod searches;
mod writes;

/// Allows files in one folder alone, and notes what it was asked about.
#[derive(Clone)]
struct Fence {
    inside: PathBuf,
    scratch: PathBuf,
    hidden: Vec<PathBuf>,
    asked: Arc<Mutex<Vec<PathBuf>>>,
}

impl Shell for Fence {
    fn command(&self, line: &str) -> tokio::process::Command {
        corecoder::shell::Bash.command(line)
    }

    fn scratch(&self) -> Option<&Path> {
        Some(&self.scratch)
    }

    fn hidden(&self) -> Vec<PathBuf> {
        self.hidden.clone()
    }

    fn may_write(&self, path: &Path) -> Result<(), String> {
        self.asked.lock().push(path.to_path_buf());
        match path.starts_with(&self.inside) {
            true => Ok(()),
            false => Err(format!("{} is beyond the fence", path.display())),
        }
    }
}

/// Approves, and counts how often it was asked.
#[derive(Default)]
struct Asked(Mutex<usize>);

#[async_trait]
impl Host for Asked {
    async fn approve(&self, _who: &str, _call: &ToolCall, _effect: Effect) -> Approval {
        *self.0.lock() += 1;
        Approval::Yes
    }
}

/// A folder `inside`, where an agent works, beside `outside` and `scratch`.
struct World {
    root: TempDir,
    fence: Fence,
    asked: Arc<Asked>,
    agent: Agent,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> World {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        for folder in ["inside", "outside", "scratch"] {
            fs::create_dir(real.join(folder)).unwrap();
        }
        let fence = Fence {
            inside: real.join("inside"),
            scratch: real.join("scratch"),
            hidden: vec![real.join("outside/keys"), real.join("inside/token.txt")],
            asked: Arc::default(),
        };
        let asked = Arc::new(Asked::default());
        let agent = Agent::new(Script::new([]))
            .folder(&fence.inside)
            .shell(fence.clone())
            .host(asked.clone());
        let mut builder = tokio::runtime::Builder::new_current_thread();
        World {
            root,
            fence,
            asked,
            agent,
            runtime: builder.enable_all().build().unwrap(),
        }
    }

    /// A path from the folder that holds `inside` and `outside`.
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    fn put(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn call(&mut self, tool: &str, args: Value) -> String {
        self.agent.resume(Vec::new());
        let replies = [Reply::calls([(tool, args)]), Reply::text("done")];
        self.agent.set_model(Script::new(replies));
        self.runtime.block_on(self.agent.chat("go")).unwrap();
        let Some(Entry::Round(round)) = self.agent.history().get(1) else {
            panic!("a round comes second")
        };
        let (_, answer) = round.answered().next().unwrap();
        answer.to_string()
    }

    fn write(&mut self, file: &str, content: &str) -> String {
        let args = json!({"file_path": file, "content": content});
        self.call("write_file", args)
    }
}

/// Everything in a folder: names with what they hold; for a link, where it leads.
fn contents(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.push((path.clone(), "a folder".to_string()));
            found.extend(contents(&path));
        } else if kind.is_symlink() {
            let to = fs::read_link(&path).unwrap();
            found.push((path, format!("-> {}", to.display())));
        } else {
            let content = fs::read_to_string(&path).unwrap();
            found.push((path, content));
        }
    }
    found.sort();
    found
}
