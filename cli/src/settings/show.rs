//! `corecoder config`: each setting, its value, and where that comes from.

use corecoder::Config;
use corecoder::files::shown;

use super::table::{Kind, SETTINGS, Setting};
use super::{Settings, variable};
use crate::args::Args;
use crate::words::plain;

/// Prints all settings.
pub fn run(args: &Args, settings: &Settings) {
    let name = SETTINGS
        .iter()
        .map(|setting| setting.name.len())
        .max()
        .unwrap_or(0);
    for setting in SETTINGS {
        let (value, origin) = of(setting, args, settings);
        say!("{:name$}  {}  ({origin})", setting.name, plain(&value));
    }
    say!("\nfiles, the first that has a setting counts:");
    for file in &settings.files {
        let what = if file.foreign {
            " (permissions and hooks)"
        } else {
            ""
        };
        say!("  {}{what}", shown(&file.path));
    }
    if settings.files.is_empty() {
        say!(
            "  none; the user's would be {}",
            user_file(&settings.config)
        );
    }
    say!("\nmeaning:");
    for setting in SETTINGS {
        let names: Vec<&str> = setting
            .flag
            .into_iter()
            .chain(setting.variables.iter().copied())
            .collect();
        let names = if names.is_empty() {
            "only in files".to_string()
        } else {
            names.join(", ")
        };
        say!("  {:name$}  {} [{names}]", setting.name, setting.meaning);
    }
}

fn user_file(config: &Config) -> String {
    let data = config.data.as_deref();
    data.map_or_else(
        || "in ~/.corecoder".to_string(),
        |data| shown(&data.join("settings.json")),
    )
}

/// A setting's value and its origin, as a person reads them.
fn of(setting: &Setting, args: &Args, settings: &Settings) -> (String, String) {
    if let Some(value) = flag(setting.name, args) {
        return (value, setting.flag.unwrap_or_default().to_string());
    }
    let config = &settings.config;
    let set = setting
        .variables
        .iter()
        .find_map(|name| Some((*name, variable(name)?)));
    if let Some((name, value)) = set {
        return (veiled(setting, &value), name.to_string());
    }
    let origins = setting.variables.iter();
    let origin = origins.filter_map(|name| config.origins.get(*name)).next();
    let mut files = settings
        .files
        .iter()
        .filter(|file| !file.foreign || matches!(setting.kind, Kind::Object));
    let file = files.find_map(|file| Some((file.values.get(setting.name)?, &file.path)));
    match (origin, file) {
        // A .env file stands above the settings files.
        (Some(origin), _) if origin.ends_with(".env") => (
            veiled(setting, &engine(setting.name, config)),
            shown(origin),
        ),
        (_, Some((value, path))) if setting.kind.text(value).is_ok() => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_string);
            (veiled(setting, &text), shown(path))
        }
        _ => match (setting.name, config.base_url.as_deref()) {
            ("model", _) => (config.model.clone(), "default".to_string()),
            ("base_url", Some(url)) => (url.to_string(), "default for this key".to_string()),
            _ => (setting.default.to_string(), "default".to_string()),
        },
    }
}

/// What the engine read.
fn engine(name: &str, config: &Config) -> String {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let text = match name {
        "model" => Some(config.model.clone()),
        "base_url" => config.base_url.clone(),
        "api_key" => Some(config.api_key.clone()),
        "max_tokens" => number(config.max_tokens),
        "max_context" => number(config.max_context),
        "temperature" => config.temperature.map(|number| number.to_string()),
        _ => None,
    };
    text.unwrap_or_default()
}

fn flag(name: &str, args: &Args) -> Option<String> {
    match name {
        "model" => args.model.clone(),
        "base_url" => args.base_url.clone(),
        "api_key" => args.api_key.as_deref().map(hidden),
        "max_turns" => args.output.max_turns.map(|turns| turns.to_string()),
        "mode" if args.permissions.yes => Some("yolo".to_string()),
        "mode" => args.permissions.mode.map(|mode| mode.to_string()),
        "verbose" => args.verbose.then(|| "true".to_string()),
        _ => None,
    }
}

fn veiled(setting: &Setting, value: &str) -> String {
    match setting.kind {
        Kind::Secret => hidden(value),
        _ => value.to_string(),
    }
}

/// Enough of a key to tell it from another.
fn hidden(key: &str) -> String {
    let count = key.chars().count();
    let end: String = key.chars().skip(count.saturating_sub(4)).collect();
    match count {
        0 => "(none)".to_string(),
        1..12 => "(set)".to_string(),
        _ => format!("…{end}"),
    }
}
