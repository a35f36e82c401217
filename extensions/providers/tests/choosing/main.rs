//! From what the user says to a model that answers: the table, the choice, what servers say of their models, local
//! servers, fallbacks.

mod choice;
mod dialect;
mod docs;
mod fallback;
mod fallback_served;
mod keys;
mod listing;
mod litellm;
mod local;
mod play;
mod server;
mod table;
mod verdicts;

use std::collections::HashMap;
use std::path::PathBuf;

use corecoder_providers::{Asked, Choice, ChoiceError, Chosen, Given, Table};

/// What the user has set: variables, each with the file it stands in, if it is not the environment.
#[derive(Default)]
struct Desk {
    table: Table,
    vars: HashMap<String, Given>,
    own: Vec<PathBuf>,
}

impl Desk {
    /// `NAME=value`, or `file:NAME=value`, with blanks between them.
    fn of(vars: &str) -> Desk {
        let var = |word: &str| {
            let (name, text) = word.split_once('=').unwrap();
            let (file, name) = match name.rsplit_once(':') {
                Some((file, name)) => (Some(PathBuf::from(file)), name),
                None => (None, name),
            };
            let text = text.to_string();
            (name.to_string(), Given { text, file })
        };
        Desk {
            vars: vars.split_whitespace().map(var).collect(),
            own: vec!["/home/me".into(), "/home/me/.corecoder".into()],
            ..Desk::default()
        }
    }

    fn with<T>(&self, choose: impl FnOnce(&Choice<'_>) -> T) -> T {
        let vars = |name: &str| self.vars.get(name).cloned();
        choose(&Choice {
            table: &self.table,
            vars: &vars,
            own: &self.own,
        })
    }

    fn choose(&self, asked: &Asked) -> Result<Chosen, ChoiceError> {
        self.with(|choice| choice.choose(asked))
    }
}

/// Flags as they are typed: `--provider`, `--model`, `--url`, `--key` with a value each.
fn flags(line: &str) -> Asked {
    let mut asked = Asked::default();
    let mut words = line.split_whitespace().map(str::to_string);
    while let (Some(flag), value) = (words.next(), words.next()) {
        match flag.as_str() {
            "--provider" => asked.provider = value,
            "--model" => asked.model = value,
            "--url" => asked.base_url = value,
            "--key" => asked.key = value,
            flag => panic!("no such flag: {flag}"),
        }
    }
    asked
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}
