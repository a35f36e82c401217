//! What is typed with a slash in front: about the conversation, and about the session that is kept of it.

use std::process::ExitCode;

use console::style;
use corecoder::files::shown;
use corecoder::session::Fact;
use corecoder_conventions::Trust;
use corecoder_sessions::list::Info;

use crate::project::Project;
use crate::repl::Repl;
use crate::status::Bill;
use crate::typing::Message;
use crate::words::{self, plain};
use crate::work::{Ended, until_interrupted};
use crate::{Start, assemble, cost, keep, mcp, sessions, turn, unsure};

const HELP: &str = concat!(
    "  /help            this text\n",
    "  /model [NAME]    show or change the model\n",
    "  /mode [MODE]     ask, accept-edits, plan or yolo; Shift+Tab: the next\n",
    "  /plan            plan mode: read and plan, change nothing\n",
    "  /skills          skills and custom commands: /NAME runs one\n",
    "  /hooks           the programs that are told of steps\n",
    "  /mcp             MCP servers and how they are\n",
    "  /trust [yes|no]  whether what this folder brings counts, from the next start\n",
    "  /tokens          what this session has used\n",
    "  /compact [WHAT]  make room in the conversation, keeping WHAT in mind\n",
    "  /diff            what this session changed\n",
    "  /undo, /redo     put the last turn's files back, and again\n",
    "  /rewind [N]      go back to your N-th message\n",
    "  /save [NAME]     name this session (it is kept anyway)\n",
    "  /sessions        those kept; corecoder -r ID goes on with one\n",
    "  /reset           begin a new session\n",
    "  !CMD, !!CMD      run a command and show it to the model; only to you\n",
    "  @PATH            attach a file or a picture\n",
    "  quit             leave (Ctrl+D too)\n",
    "\n",
    "  Tab completes, Ctrl+R searches what was typed before, Alt+Enter begins a line.\n",
    "  While the agent works: what you send is said at its next step, Esc takes it\n",
    "  back, Ctrl+C stops it.",
);

/// The commands of the program itself.
const OWN: [&str; 21] = [
    "compact", "diff", "exit", "help", "hooks", "mcp", "mode", "model", "plan", "quit", "redo",
    "reset", "rewind", "save", "sessions", "skills", "clear", "tokens", "trust", "undo", "new",
];

/// All commands, with their slash.
pub fn names(project: &Project) -> Vec<String> {
    let own = OWN.iter().map(|name| name.to_string());
    let commands = project
        .commands
        .list
        .iter()
        .map(|command| command.name.clone());
    let skills = project
        .skills
        .list
        .iter()
        .filter(|skill| project.skills.find(&skill.name).is_some());
    let skills = skills.map(|skill| skill.name.clone());
    let mut names: Vec<String> = own
        .chain(commands)
        .chain(skills)
        .map(|name| format!("/{name}"))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// `/etc/passwd` at the beginning of a question is none.
pub fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':');
    word.strip_prefix('/')
        .is_some_and(|name| !name.is_empty() && name.chars().all(part_of_name))
}

impl Repl {
    /// Does what the line says. `Some` means that the program is to end.
    pub async fn command(&mut self, line: &str) -> Option<ExitCode> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (name, rest.trim()) {
            ("/help", _) => say!("{HELP}"),
            ("/model", "") => self.show_model(),
            ("/model", model) => self.change_model(model).await,
            ("/mode", "") => say!("{}", self.person.modes.get()),
            ("/mode", mode) => self.change_mode(mode),
            ("/plan", "") => self.change_mode("plan"),
            ("/plan", task) => {
                self.change_mode("plan");
                return self.chat(Message::new(task)).await;
            }
            ("/skills", _) => self.list_skills(),
            ("/hooks", _) => self.list_hooks(),
            ("/mcp", _) => self.list_servers(),
            ("/trust", said) => self.trust(said),
            ("/tokens", _) => self.tokens(),
            ("/compact", focus) => return self.compact(focus).await,
            ("/reset" | "/clear" | "/new", _) => self.reset().await,
            ("/sessions", _) => self.list_sessions(),
            ("/save" | "/diff" | "/undo" | "/redo" | "/rewind", rest) => {
                self.of_session(name, rest)
            }
            (_, args) => return self.custom(&name[1..], args).await,
        }
        None
    }

    /// A command or a skill of the user's own.
    async fn custom(&mut self, name: &str, args: &str) -> Option<ExitCode> {
        match self.start.project.invoked(name, args) {
            Some(Ok(text)) => return self.chat(Message::new(text)).await,
            Some(Err(why)) => say!("{}", style(plain(&why)).yellow()),
            None if name.starts_with("mcp__") => return self.prompt(name, args).await,
            None => {
                let names = names(&self.start.project);
                let near = words::nearest(&format!("/{name}"), names.iter().map(String::as_str));
                let near = near
                    .map(|near| format!("; {near} is near it"))
                    .unwrap_or_default();
                say!("there is no command /{name}{near}; /help lists them");
            }
        }
        None
    }

    /// What a server has prepared.
    async fn prompt(&mut self, name: &str, args: &str) -> Option<ExitCode> {
        let mcp = self.person.mcp();
        let work = async { mcp.as_ref()?.prompt(name, args).await };
        self.person.screen.works(&format!("/{}", plain(name)));
        let ended =
            until_interrupted(work, &mut self.signals, &self.person, &self.kit, &self.kept).await;
        let Ended::Done(prompted) = ended else {
            return self.interrupted(ended);
        };
        match prompted {
            // Its words are the server's: a file that they name is not brought along.
            Some(Ok(text)) => return self.chat(Message::piped(text)).await,
            Some(Err(why)) => say!("{}", style(plain(&why)).yellow()),
            None => say!(
                "no MCP server that is ready has a prompt /{}; Tab lists them",
                plain(name)
            ),
        }
        None
    }

    /// The servers and how they are.
    fn list_servers(&self) {
        let Some(mcp) = self.person.mcp() else {
            if let Some(file) = mcp::left_out(&self.start.project.places) {
                let file = shown(&file);
                return say!("{file} does not count: the folder was not trusted at the start");
            }
            return say!("there are none; corecoder mcp add NAME COMMAND adds one (docs/mcp.md)");
        };
        for (configured, state) in mcp.servers.states() {
            say!("  {}", plain(&mcp::command::line(&configured, &state)));
        }
    }

    /// `!` runs a command and shows it to the model with the next message, `!!` shows it to the person alone.
    pub async fn shell(&mut self, line: &str) -> Option<ExitCode> {
        let (command, told) = match line.strip_prefix("!!") {
            Some(command) => (command.trim(), false),
            None => (line[1..].trim(), true),
        };
        let kit = self.agent.kit().clone();
        let Some(bash) = kit.tools.get("bash").filter(|_| !command.is_empty()) else {
            say!("write a command behind the !, as in !git status");
            return None;
        };
        let args = serde_json::json!({"command": command, "timeout": 600});
        self.person.types(command);
        self.person
            .screen
            .works(&format!("! {}", words::shortened(command, 200)));
        let work = bash.call(args, &kit);
        let ended =
            until_interrupted(work, &mut self.signals, &self.person, &self.kit, &self.kept).await;
        let Ended::Done(result) = ended else {
            return self.interrupted(ended);
        };
        let output = corecoder::tools::worded(result);
        say!("{}", plain(&output));
        if told {
            let note = format!("[the user ran a command]\n$ {command}\n{output}");
            kit.inbox.post(corecoder::Entry::Note(note));
        }
        None
    }

    fn change_mode(&mut self, mode: &str) {
        match mode.parse() {
            Ok(mode) => {
                self.person.set_mode(mode, self.agent.kit());
                say!("{mode}");
            }
            Err(why) => say!("{}", plain(&why)),
        }
    }

    fn list_skills(&self) {
        let project = &self.start.project;
        let line =
            |name: &str, what: &str| say!("  /{name}  {}", words::shortened(&plain(what), 100));
        project
            .commands
            .list
            .iter()
            .for_each(|command| line(&command.name, &command.description));
        project
            .skills
            .list
            .iter()
            .for_each(|skill| line(&skill.name, &skill.description));
        if project.commands.list.is_empty() && project.skills.list.is_empty() {
            say!(
                "there are none; a skill is a file .corecoder/skills/NAME/SKILL.md, a command .corecoder/commands/NAME.md"
            );
        }
    }

    /// Says whether the folder is trusted, or changes it.
    fn trust(&self, said: &str) {
        let places = &self.start.project.places;
        let said = match said {
            "yes" => true,
            "no" => false,
            "" if places.trusted => return say!("this folder is trusted; /trust no takes it back"),
            _ => return say!("this folder is not trusted; /trust yes trusts what it brings"),
        };
        let (mut trust, _) = Trust::load(places.data.as_deref());
        match trust.set(&places.root, said) {
            Ok(()) => say!("kept; it counts from the next start on"),
            Err(why) => say!("{}", style(plain(&why)).yellow()),
        }
    }

    fn list_hooks(&self) {
        let lines = self.person.hooks.lines();
        lines.iter().for_each(|line| say!("  {line}"));
        if lines.is_empty() {
            say!("there are none; they stand in settings.json under \"hooks\"");
        }
    }

    async fn compact(&mut self, focus: &str) -> Option<ExitCode> {
        let heard = self.person.hooks.pre_compact("manual", focus).await;
        heard
            .warnings
            .iter()
            .for_each(|warning| self.person.screen.warn(&plain(warning)));
        if let Some(why) = heard.blocked {
            say!(
                "{}",
                style(format!("a hook prevents this: {}", plain(&why))).yellow()
            );
            return None;
        }
        let work = self.agent.compact(focus);
        let ended =
            until_interrupted(work, &mut self.signals, &self.person, &self.kit, &self.kept).await;
        match ended {
            Ended::Done(Ok(true)) => {}
            Ended::Done(Ok(false)) => say!("there is nothing to shorten yet"),
            Ended::Done(Err(why)) => {
                let words = "the model gave no summary, so the conversation stays as it is";
                say!("{}", style(format!("{words}: {}", plain(&why))).yellow());
            }
            other => return self.interrupted(other),
        }
        None
    }

    async fn reset(&mut self) {
        unsure::keep(&self.start, &self.kept);
        let mut kept = keep::begin(&self.start.project.settings.config);
        let person = &self.person;
        match assemble::agent(&self.start, &mut kept, person, person.clone()) {
            Ok(agent) => {
                (self.agent, self.kept) = (agent, kept);
                *self.kit.lock() = self.agent.kit().clone();
                turn::begin(&self.agent, &self.person, "clear").await;
                say!("a new session; the one before is kept");
            }
            Err(why) => say!("{}", plain(&why)),
        }
    }

    fn list_sessions(&self) {
        let Some(sessions) = keep::sessions(self.start.project.places.data.as_deref()) else {
            return say!("no session is kept");
        };
        let folder = &self.start.project.places.cwd;
        let here = |info: &Info| info.folder == *folder;
        let infos = sessions.list();
        let own: Vec<&Info> = infos.iter().filter(|info| here(info)).collect();
        own.iter()
            .take(20)
            .for_each(|info| say!("{}", sessions::line(info, Some(folder))));
        let others = infos.len() - own.len().min(20);
        if others > 0 {
            say!(
                "{}",
                style(format!("{others} more: corecoder sessions")).dim()
            );
        }
    }

    fn show_model(&self) {
        let (first, present) = (
            self.start.backend.main().name(),
            self.agent.kit().model.name(),
        );
        match first == present {
            true => say!("{}", plain(first)),
            false => say!(
                "{}; at present {} in its place",
                plain(first),
                plain(present)
            ),
        }
    }

    async fn change_model(&mut self, model: &str) {
        if model.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return say!("a model's name has no blanks; nothing was changed");
        }
        let Start {
            backend, project, ..
        } = &mut self.start;
        let old = project.settings.config.model.clone();
        let changed = backend.change(model, &project.places, &mut project.settings);
        let id = self.kept.session.as_ref().map(|session| session.id());
        let changed = match changed.await {
            Ok(()) => backend.model(id),
            Err(why) => Err(why),
        };
        match changed {
            Ok(model) => self.agent.set_model(model),
            Err(why) => return say!("{}; nothing was changed", plain(&why)),
        }
        *self.kit.lock() = self.agent.kit().clone();
        let session = self.kept.session.as_ref();
        if let Some(session) = session.filter(|session| session.path().exists()) {
            session.record("", Fact::Model(model.to_string()));
        }
        self.models.of(self.start.backend.main().clone());
        say!("{} → {}", plain(&old), plain(model));
        if let Some(advice) = crate::doctor::unlisted(self.start.backend.main()).await {
            say!("{}", style(plain(&advice)).yellow());
        }
    }

    fn tokens(&mut self) {
        let session = self.kept.session.as_ref();
        let journal = session.map(|session| session.path().to_path_buf());
        let bill = journal.filter(|journal| journal.exists());
        let bill = bill.and_then(|journal| cost::of(&journal, &self.start.project.settings).ok());
        if let Some((bill, _)) = bill {
            say!("{}", cost::text(&bill));
        }
        let Bill { usage, dollars } = self.person.screen.status_now().bill;
        let money = match dollars {
            Some(amount) => words::dollars(amount),
            None => "the price of this model is not known; the setting \"prices\" can say it"
                .to_string(),
        };
        let (size, window) = self.agent.size();
        say!(
            "{} in ({} of them cached), {} out; the next request: about {size} of {window}; {money}",
            usage.prompt,
            usage.cached,
            usage.completion
        );
        let figures = self.start.backend.ledger.figures();
        if figures.unsure > 0.0 {
            say!(
                "up to {} more count against limits: replies that broke off or were stopped may have been billed",
                words::dollars(figures.unsure)
            );
        }
    }
}
