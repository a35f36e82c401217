//! Settings in one place: defaults < the user's file < the project's < the environment < flags.
//!
//! A file that can't be read is named with line and reason, and skipped alone; so is a value that its setting can't
//! have. Claude Code's files are read for their permissions and hooks, whose shape is the same; what else is in them is
//! its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use corecoder::Config;
use corecoder::config::{Layer, is_loopback};
use corecoder::files::shown;
use corecoder_conventions::Places;
use serde_json::{Map, Value};

use crate::args::Args;

pub mod models;
pub mod sandbox;
pub mod show;
pub mod table;

use models::{Limits, Models};
use sandbox::Sandboxed;

/// A file of settings, as far as it could be read.
pub struct File {
    pub path: PathBuf,
    /// Claude Code's own.
    pub foreign: bool,
    pub values: Map<String, Value>,
}

/// A file that could not be read, and why.
pub type Broken = (PathBuf, String);

/// What all of them say.
pub struct Settings {
    /// The nearest first: what is deeper in the project comes before what is further up, and that before the user's.
    pub files: Vec<File>,
    pub config: Config,
    pub max_turns: Option<u64>,
    pub mode: Option<String>,
    pub verbose: bool,
    pub notify: String,
    pub notify_after: Duration,
    pub models: Models,
    pub limits: Limits,
    pub sandbox: Sandboxed,
    /// How long the first request waits for MCP servers.
    pub mcp_wait: Option<Duration>,
    /// Whether MCP servers may ask the model.
    pub mcp_sampling: bool,
    /// What a person should put right, and what was done without it.
    pub problems: Vec<String>,
}

impl Settings {
    /// Reads all that counts in these places. Errors only if the environment or a `.env` file can't be used.
    pub fn read(args: &Args, places: &Places) -> Result<Settings, String> {
        let (files, broken) = files(places);
        let mut problems: Vec<String> = broken.iter().map(|(_, why)| why.clone()).collect();
        let layers: Vec<Layer> = files
            .iter()
            .map(|file| layer(file, &mut problems))
            .collect();
        let config = Config::from_vars(Config::vars(), places.cwd.clone(), &layers);
        let mut config = config.map_err(|error| error.to_string())?;
        if let Some((file, url)) = redirected(&config, places)
            .filter(|_| !places.trusted && args.provider.base_url.is_none())
        {
            return Err(format!(
                "{} sends everything to {url}, and this folder is not trusted: start with --trust if that is right",
                shown(&file)
            ));
        }
        let lost = models::lost_limit(&files, &broken);
        if let Some(wrong) = lost.or_else(|| models::wrong_limit(&files, &config)) {
            return Err(wrong);
        }
        problems.extend(loosened(&mut config, places));
        let value = |name: &str| lookup(name, &config, &layers);
        let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
        problems.extend(wrong_variables(&config));
        let seconds = |name: &str| number(name).map(Duration::from_secs);
        let models = Models::read(args, &files, value, seconds);
        let limits = Limits::read(args, |name| least(name, &config, &layers));
        let sandbox = Sandboxed::read(args, places, &files, value, &mut problems)?;
        Ok(Settings {
            models,
            limits,
            sandbox,
            mcp_wait: number("mcp_wait_ms").map(Duration::from_millis),
            mcp_sampling: value("mcp_sampling").is_some_and(|text| text == "true"),
            max_turns: args.output.max_turns.or(number("max_turns")),
            mode: value("mode"),
            verbose: args.verbose || value("verbose").is_some_and(|text| text == "true"),
            notify: value("notify").unwrap_or_else(|| "auto".to_string()),
            notify_after: Duration::from_secs(number("notify_after").unwrap_or(10)),
            config: args.over(config),
            files,
            problems,
        })
    }
}

/// The value of a setting that is not the engine's: its variable's, or that of the first file that has it.
fn lookup(name: &str, config: &Config, layers: &[Layer]) -> Option<String> {
    let setting = table::find(name)?;
    let names = setting.variables.iter();
    let mut set = names.filter_map(|name| variable(name).or(config.filled.get(*name).cloned()));
    let set = set.find(|text| setting.kind.allows(text).is_ok());
    set.or_else(|| {
        let values = layers.iter().flat_map(|layer| &layer.values);
        let mut own = values.filter(|(name, _)| setting.variables.contains(&name.as_str()));
        own.next().map(|(_, value)| value.clone())
    })
}

/// As [`lookup`], for a limit: of a project's `.env` file and the settings, the lower counts.
fn least(name: &str, config: &Config, layers: &[Layer]) -> Option<f64> {
    let setting = table::find(name)?;
    let number = |text: &String| {
        text.parse::<f64>()
            .ok()
            .filter(|_| setting.kind.allows(text).is_ok())
    };
    let variable = setting.variables.first()?;
    let own = self::variable(variable).as_ref().and_then(number);
    let filled = config.filled.get(*variable).and_then(number);
    let mut values = layers.iter().flat_map(|layer| &layer.values);
    let written = values
        .find(|(name, _)| name == variable)
        .and_then(|(_, text)| number(text));
    own.or(filled.into_iter().chain(written).reduce(f64::min))
}

/// A variable of the process that is set.
pub fn variable(name: &str) -> Option<String> {
    let text = std::env::var(name).ok()?.trim().to_string();
    Some(text).filter(|text| !text.is_empty())
}

/// Variables that say that less is asked for or kept, or who else is told everything.
const LOOSENING: [&str; 6] = [
    "CORECODER_MODE",
    "CORECODER_FALLBACK",
    "CORECODER_SANDBOX",
    "CORECODER_ADD_DIRS",
    "CORECODER_ALLOW_NET",
    "CORECODER_MCP_SAMPLING",
];

/// A `.env` file counts without trust, but it can't say that less is asked for, nor who else is told everything.
fn loosened(config: &mut Config, places: &Places) -> Vec<String> {
    let mut ignored = Vec::new();
    for variable in LOOSENING {
        let Some(file) = config.origins.get(variable).cloned() else {
            continue;
        };
        let own = file.parent() == places.home.as_deref();
        if places.trusted || own || !file.ends_with(".env") {
            continue;
        }
        config.filled.remove(variable);
        config.origins.remove(variable);
        let file = shown(&file);
        ignored.push(format!(
            "{file}: {variable} is ignored, because this folder is not trusted; --trust makes it count"
        ));
    }
    ignored
}

/// The file of the project, and the URL in it, that the conversation would go to. A server on this machine learns nothing
/// new, and what stands in the home directory is the user's.
pub fn redirected(config: &Config, places: &Places) -> Option<(PathBuf, String)> {
    let url = config.base_url.clone()?;
    let setting = table::find("base_url")?;
    let mut names = setting
        .variables
        .iter()
        .filter(|name| variable(name).is_some() || config.filled.contains_key(**name));
    let file = config.origins.get(*names.next()?)?;
    let own = [places.home.as_deref(), places.data.as_deref()].contains(&file.parent());
    (!own && file.ends_with(".env") && !is_loopback(&url)).then(|| (file.clone(), url))
}

/// The settings that have variables and are not the engine's.
pub const OWN: [&str; 22] = [
    "provider",
    "effort",
    "fallback",
    "small",
    "max_cost",
    "max_cost_per_day",
    "max_tokens_total",
    "max_time_seconds",
    "connect_timeout_seconds",
    "first_byte_timeout_seconds",
    "idle_timeout_seconds",
    "total_timeout_seconds",
    "max_turns",
    "mode",
    "sandbox",
    "add_dirs",
    "allow_net",
    "mcp_wait_ms",
    "mcp_sampling",
    "verbose",
    "notify",
    "notify_after",
];

/// Variables that the engine does not read and whose values can't be used.
fn wrong_variables(config: &Config) -> Vec<String> {
    let settings = OWN.iter().filter_map(|name| table::find(name));
    let variables =
        settings.flat_map(|setting| setting.variables.iter().map(move |name| (name, setting)));
    let wrong = variables.filter_map(|(name, setting)| {
        let text = variable(name).or(config.filled.get(*name).cloned())?;
        let wanted = setting.kind.allows(&text).err()?;
        Some(format!(
            "{name} must be {wanted}, not {text:?}; it is ignored"
        ))
    });
    wrong.collect()
}

/// The files that count, the nearest first.
fn files(places: &Places) -> (Vec<File>, Vec<Broken>) {
    let (mut files, mut broken) = (Vec::new(), Vec::new());
    let mut read = |path: PathBuf, foreign: bool| match load(&path) {
        Ok(Some(values)) => files.push(File {
            path,
            foreign,
            values,
        }),
        Ok(None) => {}
        Err(problem) => broken.push((path, problem)),
    };
    let folders = places.folders();
    for folder in folders.iter().rev() {
        for (folder, foreign) in [
            (folder.join(".corecoder"), false),
            (folder.join(".claude"), true),
        ] {
            for name in ["settings.local.json", "settings.json"] {
                let path = folder.join(name);
                if places.trusted || places.own.contains(&path) {
                    read(path, foreign);
                }
            }
        }
    }
    if let Some(data) = &places.data {
        read(data.join("settings.json"), false);
    }
    if let Some(home) = &places.home {
        read(home.join(".claude/settings.json"), true);
    }
    (files, broken)
}

/// The largest file of settings, in bytes.
const LARGEST: u64 = 1 << 20;

/// The object that a file holds; `None` without a file.
pub fn load(path: &Path) -> Result<Option<Map<String, Value>>, String> {
    match load_any(path)? {
        None => Ok(None),
        Some(Value::Object(values)) => Ok(Some(values)),
        Some(_) => Err(skipped(path, "it must hold an object, { ... }")),
    }
}

/// The JSON that a file holds; `None` without a file, or with an empty one.
pub fn load_any(path: &Path) -> Result<Option<Value>, String> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(_) if path.is_symlink() => {
            return Err(skipped(path, "it is a symlink that leads nowhere"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(skipped(path, &error.to_string())),
    };
    let wrong = match metadata.is_file() {
        true => (metadata.len() > LARGEST).then_some("it is larger than 1 MB"),
        false if metadata.is_dir() => Some("it is a folder"),
        false => Some("it is no regular file"),
    };
    if let Some(wrong) = wrong {
        return Err(skipped(path, wrong));
    }
    let text = std::fs::read(path).map_err(|error| skipped(path, &error.to_string()))?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let value = serde_json::from_slice(text);
    value.map_err(|error| skipped(path, &error.to_string()))
}

fn skipped(path: &Path, why: &str) -> String {
    format!("{}: {why}; this file is skipped", shown(path))
}

/// What the engine and this program read of a file, by their variables; what can't be used is said.
fn layer(file: &File, problems: &mut Vec<String>) -> Layer {
    let mut values = Vec::new();
    for (name, value) in file.values.iter().filter(|_| !file.foreign) {
        let place = shown(&file.path);
        let Some(setting) = table::find(name) else {
            if name != "$schema" {
                let meant = table::nearest(name).map(|near| format!("; did you mean {near:?}?"));
                let meant = meant.unwrap_or_default();
                problems.push(format!("{place}: there is no setting {name:?}{meant}"));
            }
            continue;
        };
        match (setting.kind.text(value), setting.variables.first()) {
            (Ok(text), Some(variable)) => values.push((variable.to_string(), text)),
            (Ok(_), None) => {}
            // Whoever reads these says what is wrong in them.
            (Err(_), _) if matches!(setting.name, "permissions" | "hooks") => {}
            (Err(wanted), _) => {
                let value = match setting.kind {
                    table::Kind::Secret => "what it is",
                    _ => &crate::words::shortened(&value.to_string(), 60),
                };
                problems.push(format!(
                    "{place}: {name:?} must be {wanted}, not {value}; it is ignored"
                ));
            }
        }
    }
    Layer {
        file: file.path.clone(),
        values,
    }
}
