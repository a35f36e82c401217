//! What the user and the folder say before anything is asked: settings, rules, hooks, instructions, skills, commands.
//!
//! Much of that can run programs, so what a folder brings counts only once the user has trusted it. What it says in
//! words, its AGENTS.md, needs no trust.

use std::path::{Path, PathBuf};

use corecoder::Config;
use corecoder::files::shown;
use corecoder_conventions::{Commands, Instructions, Places, Skills, Trust, needs_trust};
use corecoder_guard::permissions::{Mode, Permissions, Rule};
use corecoder_hooks::Hooks;
use serde_json::{Value, json};

use crate::args::Args;
use crate::assemble;
use crate::settings::{self, Settings};

/// All that is known of the place where the work is done.
pub struct Project {
    pub places: Places,
    pub settings: Settings,
    pub permissions: Permissions,
    pub hooks: Hooks,
    pub instructions: Instructions,
    pub skills: Skills,
    pub commands: Commands,
    pub mode: Mode,
    /// What a person should put right.
    pub problems: Vec<String>,
}

/// The places of a working directory, and what there is to say about its trust.
pub struct Found {
    pub places: Places,
    /// What a person should know.
    pub remarks: Vec<String>,
    /// What the folder brings, if nobody has said yet whether that is to count.
    pub undecided: Vec<PathBuf>,
}

/// The user's home, and the program's own folder in it or wherever it was moved.
pub fn own() -> (Option<PathBuf>, Option<PathBuf>) {
    let home = settings::variable("HOME").map(PathBuf::from);
    let data = settings::variable("CORECODER_HOME").map(PathBuf::from);
    let data = data.or_else(|| Some(home.as_ref()?.join(".corecoder")));
    (home, data)
}

/// The user's folder for what this program can find out again.
pub fn cache() -> Option<PathBuf> {
    let set = settings::variable("XDG_CACHE_HOME").map(PathBuf::from);
    // The XDG Base Directory Specification has relative paths ignored.
    let set = set.filter(|folder| folder.is_absolute());
    let usual = || Some(PathBuf::from(settings::variable("HOME")?).join(".cache"));
    Some(set.or_else(usual)?.join("corecoder"))
}

/// The places of a working directory. `said` is the person's word on whether it is trusted, which is remembered; what
/// nobody trusts does not count.
pub fn places(args: &Args, cwd: &Path, said: Option<bool>) -> Found {
    let (home, data) = own();
    let mut found = Found {
        places: Places::new(cwd.to_path_buf(), home, data),
        remarks: Vec::new(),
        undecided: Vec::new(),
    };
    let places = &mut found.places;
    // What stands in the home directory itself is the user's own.
    if args.permissions.trust || Some(&places.root) == places.home.as_ref() {
        places.trusted = true;
        return found;
    }
    let mut brought = needs_trust(places);
    brought.extend(redirecting(places).filter(|_| args.provider.base_url.is_none()));
    let (mut trust, problems) = Trust::load(places.data.as_deref());
    // What "always" wrote is the user's as long as nobody changed it.
    (places.own, brought) = brought.into_iter().partition(|path| trust.owns(path));
    if brought.is_empty() {
        return found;
    }
    found.remarks = problems;
    if let Some(said) = said {
        found.remarks.extend(trust.set(&places.root, said).err());
    }
    let known = trust.holds(&places.root);
    places.trusted = known.unwrap_or(false);
    if !places.trusted {
        found.remarks.push(distrusted(places, &brought));
    }
    if known.is_none() {
        found.undecided = brought;
    }
    found
}

fn distrusted(places: &Places, brought: &[PathBuf]) -> String {
    let inside = |path: &PathBuf| shown(path.strip_prefix(&places.root).unwrap_or(path));
    let names: Vec<String> = brought.iter().take(3).map(inside).collect();
    let more = if brought.len() > 3 { ", ..." } else { "" };
    let names = names.join(", ");
    let counts = if brought.len() == 1 {
        "does not count"
    } else {
        "do not count"
    };
    format!("this folder is not trusted, so {names}{more} {counts}; --trust changes that")
}

/// A project's `.env` that would send the conversation to a server of its choice.
fn redirecting(places: &Places) -> Option<PathBuf> {
    let config = Config::from_vars(Config::vars(), places.cwd.clone(), &[]).ok()?;
    settings::redirected(&config, places).map(|(file, _)| file)
}

impl Project {
    /// Reads all of it. Errors only if the environment or a `.env` file can't be used.
    pub fn read(args: &Args, places: Places) -> Result<Project, String> {
        let mut settings = Settings::read(args, &places)?;
        let mut problems = std::mem::take(&mut settings.problems);
        let mut permissions = Permissions::new(&places.root, places.home.as_deref());
        let mut hooks = Hooks::new(&places.cwd, &places.root);
        for file in &settings.files {
            let value = Value::Object(file.values.clone());
            let found = permissions.read(&value, file.foreign);
            problems.extend(named(&file.path, found));
        }
        problems.extend(read_hooks(&mut hooks, &settings, &places));
        given(&args.permissions.allowed_tools, |rule| {
            permissions.allow(rule)
        });
        given(&args.permissions.disallowed_tools, |rule| {
            permissions.deny(rule)
        });
        problems.extend(assemble::unknown(args));
        let mode = mode(args, &settings);
        hooks.mode(claude(mode));
        let instructions = corecoder_conventions::instructions(&places);
        let skills = corecoder_conventions::skills(&places);
        let commands = corecoder_conventions::commands(&places);
        problems.extend(instructions.problems.iter().cloned());
        problems.extend(skills.problems.iter().cloned());
        problems.extend(commands.problems.iter().cloned());
        Ok(Project {
            places,
            settings,
            permissions,
            hooks,
            instructions,
            skills,
            commands,
            mode,
            problems,
        })
    }

    /// What stands behind the system prompt.
    pub fn words(&self, args: &Args) -> String {
        let appended = args.output.append_system_prompt.clone().unwrap_or_default();
        let parts = [
            self.instructions.text.clone(),
            self.skills.catalogue(),
            appended,
        ];
        let parts: Vec<&str> = parts
            .iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect();
        parts.join("\n\n")
    }

    /// The message that a custom command or a skill stands for; `None` if there is none of this name.
    pub fn invoked(&self, name: &str, args: &str) -> Option<Result<String, String>> {
        let command = self.commands.find(name).map(|command| command.invoke(args));
        command.or_else(|| self.skills.find(name).map(|skill| skill.invoke(args)))
    }

    /// Where a remembered rule of this project goes.
    pub fn rules_file(&self) -> PathBuf {
        self.places.root.join(".corecoder/settings.json")
    }
}

/// Takes over the hooks of the settings, and of the files that hold nothing else.
fn read_hooks(hooks: &mut Hooks, settings: &Settings, places: &Places) -> Vec<String> {
    let mut problems = Vec::new();
    for file in &settings.files {
        if let Some(value) = file.values.get("hooks") {
            // With the key, by which problems are named, and Claude Code's switch beside it.
            let off = file.values.get("disableAllHooks").filter(|_| file.foreign);
            let value = json!({"hooks": value, "disableAllHooks": off});
            problems.extend(named(&file.path, hooks.read(&value, file.foreign)));
        }
    }
    for path in hook_files(places) {
        match settings::load_any(&path) {
            Ok(Some(value)) => problems.extend(named(&path, hooks.read(&value, false))),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

/// Problems with the name of the file that they are in.
fn named(path: &Path, problems: Vec<String>) -> Vec<String> {
    let name = shown(path);
    let named = problems
        .into_iter()
        .map(|problem| format!("{name}: {problem}"));
    named.collect()
}

fn given(rules: &[crate::args::Rules], mut take: impl FnMut(Rule)) {
    rules
        .iter()
        .flat_map(|rules| rules.0.clone())
        .for_each(&mut take);
}

/// A mode as Claude Code calls it, for whoever was written for that.
pub fn claude(mode: Mode) -> &'static str {
    match mode {
        Mode::Ask => "default",
        Mode::AcceptEdits => "acceptEdits",
        Mode::Plan => "plan",
        Mode::Yolo => "bypassPermissions",
    }
}

/// The files that hold hooks alone.
fn hook_files(places: &Places) -> Vec<PathBuf> {
    let folders = places.folders().into_iter().filter(|_| places.trusted);
    let mut files: Vec<PathBuf> = folders
        .map(|folder| folder.join(".corecoder/hooks.json"))
        .collect();
    files.extend(places.data.as_ref().map(|data| data.join("hooks.json")));
    files.dedup();
    files
}

fn mode(args: &Args, settings: &Settings) -> Mode {
    let set = settings.mode.as_deref().and_then(|mode| mode.parse().ok());
    // Claude Code's settings may name a mode too; that everything is allowed is said here or nowhere.
    let foreign = settings.files.iter().filter(|file| file.foreign);
    let mut named =
        foreign.filter_map(|file| file.values.get("permissions")?["defaultMode"].as_str());
    let foreign = named
        .find_map(|mode| mode.parse().ok())
        .filter(|mode| *mode != Mode::Yolo);
    match args.permissions.yes {
        true => Mode::Yolo,
        false => args
            .permissions
            .mode
            .or(set)
            .or(foreign)
            .unwrap_or(Mode::Ask),
    }
}
