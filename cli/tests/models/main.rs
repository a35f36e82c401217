//! Any model of any provider from outside: the real program against servers that speak each wire, that fail, that are
//! slow, and that bill.

mod bill;
mod budget;
mod endpoints;
mod fallback;
mod keys;
mod provider;
mod repl;
#[allow(dead_code)] // It is made for more than is asked of it here.
#[path = "../interactive/terminal.rs"]
mod terminal;
mod time;
mod wire;
mod wires;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

/// A folder with the user's `home` and the `project` in which the program works; a clone is the same.
#[derive(Clone)]
pub struct Home(Arc<TempDir>);

/// How a run ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn made() -> Home {
        let home = Home(Arc::new(tempfile::tempdir().unwrap()));
        fs::create_dir(home.path("home")).unwrap();
        fs::create_dir(home.path("project")).unwrap();
        home
    }

    /// With these settings of the user's.
    pub fn with(settings: Value) -> Home {
        let home = Home::made();
        home.write("home/.corecoder/settings.json", settings.to_string());
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// The program with nothing of this machine's environment but the path.
    pub fn corecoder(&self, env: &[(&str, &str)], args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corecoder"));
        command
            .args(args)
            .current_dir(self.path("project"))
            .env_clear()
            .env("HOME", self.path("home"))
            // What is tested here are questions and rules, which commands in a sandbox don't need.
            .env("CORECODER_SANDBOX", "off")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, env: &[(&str, &str)], args: &[&str]) -> Ended {
        ended(self.corecoder(env, args).output().unwrap())
    }

    /// Starts it and goes on.
    pub fn start(&self, env: &[(&str, &str)], args: &[&str]) -> Child {
        let mut command = self.corecoder(env, args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The file of the only session.
    pub fn session(&self) -> PathBuf {
        let folder = self.path("home/.corecoder/sessions");
        let files = fs::read_dir(folder).unwrap().flatten();
        let mut journals = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
        let journal = journals.next().expect("no session is kept");
        assert!(journals.next().is_none(), "there is more than one session");
        journal
    }

    /// The journal of the only session.
    pub fn journal(&self) -> String {
        fs::read_to_string(self.session()).unwrap()
    }

    /// What `cost --json` says of the newest session.
    pub fn cost(&self) -> Value {
        let ended = self.run(&[], &["cost", "--json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }
}

/// Checks all cases side by side: most of their time is waiting.
pub fn together<T: Send>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}

pub fn ended(output: std::process::Output) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

impl Ended {
    /// It ended so, and said all of these on one of its outputs.
    #[track_caller]
    pub fn is(&self, code: i32, words: &[&str]) -> &Ended {
        assert_eq!(self.code, code, "{self:#?}");
        let both = format!("{}\n{}", self.stdout, self.stderr);
        for words in words {
            assert!(both.contains(words), "no {words:?} in {both}");
        }
        self
    }

    /// The lines of `stream-json`.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
