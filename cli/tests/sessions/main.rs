//! Kept sessions from outside: the real program, killed, resumed, copied and listed, and in a real terminal.

mod flags;
mod killed;
mod provider;
mod terminal;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use provider::Provider;

/// A home that is also the folder in which the program works.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sessions(&self) -> PathBuf {
        self.path(".corecoder/sessions")
    }

    /// The program with nothing of this machine's environment but the path.
    fn corecoder(&self, provider: &Provider, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corecoder"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            // What is tested here are questions and rules, which commands in a sandbox don't need.
            .env("CORECODER_SANDBOX", "off")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CORECODER_BASE_URL", &provider.url)
            .env("CORECODER_MODEL", "first-model");
        command
    }

    /// Starts it and goes on; what it says goes to the file `errors`.
    fn start(&self, provider: &Provider, args: &[&str]) -> Child {
        let errors = fs::File::create(self.path("errors")).unwrap();
        let mut command = self.corecoder(provider, args);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors);
        command.spawn().unwrap()
    }

    /// Runs it to its end: exit code, standard output and standard error.
    fn run(&self, provider: &Provider, args: &[&str]) -> (i32, String, String) {
        ended(&mut self.corecoder(provider, args))
    }

    /// The sessions as `sessions --json` tells them.
    fn list(&self, provider: &Provider) -> Vec<Value> {
        let (code, stdout, stderr) = self.run(provider, &["sessions", "--json"]);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    /// The id of the only session.
    fn id(&self, provider: &Provider) -> String {
        let list = self.list(provider);
        assert_eq!(list.len(), 1, "{list:?}");
        list[0]["id"].as_str().unwrap().to_string()
    }

    fn journal(&self, id: &str) -> Vec<u8> {
        fs::read(self.sessions().join(format!("{id}.jsonl"))).unwrap()
    }
}

fn ended(command: &mut Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}
