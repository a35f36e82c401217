//! `corecoder config`: each setting, its value, and where that comes from.

use std::path::Path;

use corecoder::Config;
use corecoder::files::shown;
use corecoder_providers::choice::Chosen;
use corecoder_sandbox::Network;

use super::models::LIMITS;
use super::table::{Kind, SETTINGS, Setting};
use super::{OWN, Settings, variable};
use crate::args::Args;
use crate::words::plain;

/// Prints all settings; `meant` is the model that they settle.
pub fn run(args: &Args, settings: &Settings, meant: Option<&Chosen>) {
    let name = SETTINGS
        .iter()
        .map(|setting| setting.name.len())
        .max()
        .unwrap_or(0);
    for setting in SETTINGS {
        let (value, origin) = of(setting, args, settings, meant);
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
fn of(
    setting: &Setting,
    args: &Args,
    settings: &Settings,
    meant: Option<&Chosen>,
) -> (String, String) {
    if let Some(value) = flag(setting.name, args) {
        return (value, setting.flag.unwrap_or_default().to_string());
    }
    let config = &settings.config;
    let key = meant.and_then(|meant| meant.key_from.as_deref());
    if let Some(name) = key.filter(|_| setting.name == "api_key") {
        return key_of(name, config);
    }
    let file = written(setting, settings);
    // A limit in a .env file can't raise that of the settings.
    let is_lower = |value: &str| {
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::MAX);
        let set = file.as_ref().map_or(f64::MAX, |(set, _)| number(set));
        !LIMITS.contains(&setting.name) || number(value) <= set
    };
    for name in setting.variables {
        if let Some(value) = variable(name).filter(|value| counts(setting, value)) {
            return (veiled(setting, &value), name.to_string());
        }
        // A .env file, or one of settings.
        let filled = config.filled.get(*name).zip(config.origins.get(*name));
        let filled = filled.filter(|(value, _)| counts(setting, value) && is_lower(value));
        if let Some((value, file)) = filled {
            return (veiled(setting, value), shown(file));
        }
    }
    match file {
        Some((value, path)) => (veiled(setting, &value), shown(path)),
        None => unset(setting, config, meant),
    }
}

/// The key that is in this variable.
fn key_of(name: &str, config: &Config) -> (String, String) {
    if let Some(key) = variable(name) {
        return (hidden(&key), name.to_string());
    }
    let key = config.filled.get(name).map_or("", String::as_str);
    let origin = match config.origins.get(name).map(|file| shown(file)) {
        Some(file) if file.ends_with(".env") => format!("{name} in {file}"),
        Some(file) => file,
        None => name.to_string(),
    };
    (hidden(key), origin)
}

/// What the first file says that has a setting.
fn written<'a>(setting: &Setting, settings: &'a Settings) -> Option<(String, &'a Path)> {
    settings.files.iter().find_map(|file| {
        let own = !file.foreign || matches!(setting.kind, Kind::Object);
        let value = file.values.get(setting.name).filter(|_| own)?;
        Some((setting.kind.text(value).ok()?, file.path.as_path()))
    })
}

/// What nobody set: it follows from the model that is meant, or is the default.
fn unset(setting: &Setting, config: &Config, meant: Option<&Chosen>) -> (String, String) {
    let of_provider = |meant: &Chosen| format!("of {}", meant.provider);
    match (setting.name, meant) {
        ("model", Some(meant)) => (meant.name().to_string(), of_provider(meant)),
        ("model", None) => (config.model.clone(), "default".to_string()),
        ("provider", Some(meant)) => (meant.provider.clone(), setting.default.to_string()),
        ("base_url", Some(meant)) => (meant.base_url.clone(), of_provider(meant)),
        _ => (setting.default.to_string(), "default".to_string()),
    }
}

/// Whether a variable's value is used; one that the engine can't use ended the program.
fn counts(setting: &Setting, value: &str) -> bool {
    !OWN.contains(&setting.name) || setting.kind.allows(value).is_ok()
}

fn flag(name: &str, args: &Args) -> Option<String> {
    match name {
        "model" => args.provider.model.clone(),
        "provider" => args.provider.provider.clone(),
        "base_url" => args.provider.base_url.clone(),
        "api_key" => args.provider.api_key.as_deref().map(hidden),
        "effort" => args
            .provider
            .effort
            .map(|effort| format!("{effort:?}").to_lowercase()),
        "fallback" => Some(args.provider.fallback.join(",")).filter(|list| !list.is_empty()),
        "small" => args.provider.small.then(|| "true".to_string()),
        "max_cost" => args.limits.max_cost.map(|dollars| dollars.to_string()),
        "max_tokens_total" => args
            .limits
            .max_tokens_total
            .map(|tokens| tokens.to_string()),
        "max_time_seconds" => args.limits.max_time.map(|time| time.as_secs().to_string()),
        "max_turns" => args.output.max_turns.map(|turns| turns.to_string()),
        "mode" if args.permissions.yes => Some("yolo".to_string()),
        "mode" => args.permissions.mode.map(|mode| mode.to_string()),
        "sandbox" => args.sandbox.borders.map(|borders| borders.to_string()),
        "add_dirs" => {
            let folders = args.sandbox.add_dir.iter().map(|folder| shown(folder));
            Some(folders.collect::<Vec<_>>().join(",")).filter(|list| !list.is_empty())
        }
        "allow_net" => args.sandbox.network().map(hosts),
        "verbose" => args.verbose.then(|| "true".to_string()),
        _ => None,
    }
}

fn hosts(network: Network) -> String {
    match network {
        Network::None => "(none)".to_string(),
        Network::Hosts(hosts) => hosts.join(","),
        Network::All => "*".to_string(),
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
