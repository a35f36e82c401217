//! What the settings say of models and of limits.

use std::path::PathBuf;
use std::time::Duration;

use corecoder::Config;
use corecoder::files::shown;
use corecoder::http::Timeouts;
use corecoder_providers::Effort;
use serde_json::{Map, Value};

use super::{Broken, File, table, variable};
use crate::args::{self, Args};
use crate::words::shortened;

/// An object in a file.
pub type Rows = (PathBuf, Map<String, Value>);

/// Which models are asked, and how.
#[derive(Clone, Default)]
pub struct Models {
    /// The model, if anybody named one.
    pub model: Option<String>,
    pub provider: Option<String>,
    pub effort: Option<Effort>,
    /// Those that take over where the first fails.
    pub fallback: Vec<String>,
    /// Few words and tools; `None` leaves it to the window.
    pub small: Option<bool>,
    pub timeouts: Timeouts,
    /// What files say of prices and windows, and of providers; the first that has a row counts.
    pub prices: Vec<Rows>,
    pub providers: Vec<Rows>,
}

impl Models {
    /// What flags say, else the settings: `value` is one as a text, `seconds` one as a time.
    pub fn read(
        args: &Args,
        files: &[File],
        value: impl Fn(&str) -> Option<String>,
        seconds: impl Fn(&str) -> Option<Duration>,
    ) -> Models {
        let said = &args.provider;
        let effort = match (said.effort, value("effort").as_deref()) {
            (Some(args::Effort::Low), _) | (None, Some("low")) => Some(Effort::Low),
            (Some(args::Effort::Medium), _) | (None, Some("medium")) => Some(Effort::Medium),
            (Some(args::Effort::High), _) | (None, Some("high")) => Some(Effort::High),
            (Some(args::Effort::Max), _) | (None, Some("max")) => Some(Effort::Max),
            (None, _) => None,
        };
        let set = value("fallback").unwrap_or_default();
        let set = set.split(',').map(str::to_string).collect();
        let fallback: Vec<String> = if said.fallback.is_empty() {
            set
        } else {
            said.fallback.clone()
        };
        let fallback = fallback
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty());
        let usual = Timeouts::default();
        Models {
            model: said.model.clone().or_else(|| value("model")),
            provider: said.provider.clone().or_else(|| value("provider")),
            effort,
            fallback: fallback.map(str::to_string).collect(),
            small: said
                .small
                .then_some(true)
                .or_else(|| value("small").map(|text| text == "true")),
            timeouts: Timeouts {
                connect: seconds("connect_timeout_seconds").unwrap_or(usual.connect),
                first_byte: seconds("first_byte_timeout_seconds").unwrap_or(usual.first_byte),
                idle: seconds("idle_timeout_seconds").unwrap_or(usual.idle),
                total: seconds("total_timeout_seconds"),
            },
            prices: rows("prices", files),
            providers: rows("providers", files),
        }
    }
}

/// The object of this name in each file that has one, the nearest file first.
fn rows(name: &str, files: &[File]) -> Vec<Rows> {
    let own = files.iter().filter(|file| !file.foreign);
    let rows = own.filter_map(|file| {
        let rows = file.values.get(name)?.as_object()?;
        Some((file.path.clone(), rows.clone()))
    });
    rows.collect()
}

/// What a session may take.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    /// Dollars for the session, and for all sessions of a day.
    pub dollars: Option<f64>,
    pub dollars_per_day: Option<f64>,
    /// Tokens for the session, in and out.
    pub tokens: Option<u64>,
    /// For one task.
    pub time: Option<Duration>,
}

impl Limits {
    /// What flags say, else the settings.
    pub fn read(args: &Args, number: impl Fn(&str) -> Option<f64>) -> Limits {
        let said = &args.limits;
        let count = |name: &str| number(name).map(|number| number as u64);
        Limits {
            dollars: said.max_cost.or_else(|| number("max_cost")),
            dollars_per_day: number("max_cost_per_day"),
            tokens: said.max_tokens_total.or_else(|| count("max_tokens_total")),
            time: said
                .max_time
                .or_else(|| count("max_time_seconds").map(Duration::from_secs)),
        }
    }
}

/// The settings that limit what may be spent.
pub const LIMITS: [&str; 4] = [
    "max_cost",
    "max_cost_per_day",
    "max_tokens_total",
    "max_time_seconds",
];

/// The settings of the sandbox without which commands could do more.
const SANDBOX: [&str; 2] = ["sandbox", "sandbox_limits"];

/// The settings without which the program would spend, or let commands do, what somebody forbade; and what is lost.
fn strict() -> impl Iterator<Item = (&'static str, &'static str)> {
    let limits = LIMITS.into_iter().map(|name| (name, "a limit"));
    limits.chain(SANDBOX.into_iter().map(|name| (name, "the sandbox")))
}

/// Why nothing is asked where a file of settings can't be read that names a limit or the sandbox, or where one is
/// misspelt.
pub fn lost_limit(files: &[File], broken: &[Broken]) -> Option<String> {
    let named = |(path, _): &Broken| {
        // A pipe would never end.
        let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        let text = is_file.then(|| std::fs::read_to_string(path).ok());
        let text = text.flatten().unwrap_or_default();
        // Claude Code's files have a sandbox of their own.
        let foreign = path
            .parent()
            .is_some_and(|folder| folder.ends_with(".claude"));
        let mut names = strict().filter(|(name, _)| !foreign || !SANDBOX.contains(name));
        names.find_map(|(name, what)| text.contains(name).then_some(what))
    };
    let mut named = broken
        .iter()
        .filter_map(|broken| Some((&broken.1, named(broken)?)));
    if let Some((why, what)) = named.next() {
        let why = why.trim_end_matches("; this file is skipped");
        return Some(format!(
            "{why}; it names {what}, so nothing is asked before it is put right"
        ));
    }
    let own = files.iter().filter(|file| !file.foreign);
    let mut names = own.flat_map(|file| file.values.keys().map(move |name| (file, name)));
    names.find_map(|(file, name)| {
        let near = table::nearest(name).filter(|_| table::find(name).is_none())?;
        let (meant, what) = strict().find(|(name, _)| *name == near)?;
        let what = what.split(' ').next_back().unwrap_or_default();
        let path = shown(&file.path);
        Some(format!("{path}: there is no setting {name:?}; did you mean {meant:?}? Without it there is no {what}"))
    })
}

/// What is wrong with such a setting, if something is: without it the program would go on as if nobody had said anything.
pub fn wrong_limit(files: &[File], config: &Config) -> Option<String> {
    let settings = strict().filter_map(|(name, _)| table::find(name));
    let mut wrong = settings.flat_map(|setting| {
        let variables = setting.variables.iter().filter_map(move |name| {
            let text = variable(name).or(config.filled.get(*name).cloned())?;
            let wanted = setting.kind.allows(&text).err()?;
            Some(format!("{name} must be {wanted}, not {text:?}"))
        });
        let own = files.iter().filter(|file| !file.foreign);
        let written = own.filter_map(move |file| {
            let value = file.values.get(setting.name)?;
            let wanted = setting.kind.text(value).err()?;
            let (place, value) = (shown(&file.path), shortened(&value.to_string(), 60));
            let name = setting.name;
            Some(format!("{place}: {name:?} must be {wanted}, not {value}"))
        });
        variables.chain(written)
    });
    wrong.next()
}
