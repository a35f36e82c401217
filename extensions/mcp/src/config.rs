//! Which servers there are: `mcpServers`, as everyone writes it.
//!
//! One entry that is wrong costs that server alone: it is listed with what is wrong, and the others start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::schema::SERVER;

/// A server, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub name: String,
    pub access: Access,
    /// Only these of its tools, if any are named.
    pub allowed_tools: Option<Vec<String>>,
    pub disabled: bool,
    /// How long it may take until its tools are known.
    pub start_timeout: Duration,
    /// How long a call may take without a sign of progress.
    pub call_timeout: Duration,
    /// The revision of the protocol to speak, such as `2025-11-25`; without it the server is asked. Some servers speak several
    /// and can do more in an earlier one.
    pub protocol: Option<String>,
    /// What it says of its tools is believed: it stands in the user's own file.
    pub trusted: bool,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Access {
    /// A program that is started, and talked to on its standard input and output.
    Stdio {
        command: String,
        args: Vec<String>,
        /// Beside the program's own environment.
        env: BTreeMap<String, String>,
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Http {
        url: String,
        headers: BTreeMap<String, String>,
    },
    /// HTTP with server-sent events, as in revision 2024-11-05.
    Sse {
        url: String,
        headers: BTreeMap<String, String>,
    },
}

/// An entry of a file: a server, or why it is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    pub name: String,
    pub file: PathBuf,
    /// The entry as it stands there, with its variables unfilled: what they stand for may be a key.
    pub entry: Value,
    pub server: Result<Server, String>,
}

/// Its fields, as they stand there.
#[derive(Debug, Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    expecting = "an object of fields such as \"command\""
)]
struct Raw {
    r#type: Option<String>,
    command: Option<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: Option<String>,
    url: Option<String>,
    headers: BTreeMap<String, String>,
    disabled: bool,
    /// Other programs' word for the contrary.
    enabled: Option<bool>,
    allowed_tools: Option<Vec<String>>,
    start_timeout_seconds: Option<Value>,
    call_timeout_seconds: Option<Value>,
    protocol: Option<String>,
}

const START: Duration = Duration::from_secs(10);
const CALL: Duration = Duration::from_secs(60);
/// A day is as good as for ever.
const LONGEST: f64 = 86_400.0;

/// The servers of a file's text. `trusted` files are the user's own; `variable` looks up the environment. Errors if the
/// text is no such file.
pub fn read(
    text: &str,
    file: &Path,
    trusted: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Configured>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let servers = match value.get("mcpServers") {
        Some(Value::Object(servers)) => servers.clone(),
        None if value.get("servers").is_some_and(Value::is_object) => {
            return Err(
                "it has \"servers\", as another program wants it; here they are \"mcpServers\""
                    .to_string(),
            );
        }
        None if value
            .as_object()
            .is_some_and(|all| all.values().any(is_server)) =>
        {
            return Err(
                "it has no \"mcpServers\", the object in which servers stand by their names"
                    .to_string(),
            );
        }
        None if value.is_object() => Map::new(),
        _ => return Err("\"mcpServers\" must be an object of servers by name".to_string()),
    };
    let configured = servers.into_iter().map(|(name, entry)| Configured {
        server: server(&name, entry.clone(), trusted, &variable),
        file: file.to_path_buf(),
        entry,
        name,
    });
    Ok(configured.collect())
}

/// Whether an entry looks like one, wherever it stands.
fn is_server(entry: &Value) -> bool {
    entry.get("command").is_some() || entry.get("url").is_some()
}

fn server(
    name: &str,
    entry: Value,
    trusted: bool,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Server, String> {
    is_name(name)?;
    // The error names the field.
    let mut raw: Raw =
        serde_path_to_error::deserialize(entry).map_err(|error| error.to_string())?;
    if let Some(protocol) = raw
        .protocol
        .as_ref()
        .filter(|protocol| !is_revision(protocol))
    {
        return Err(format!(
            "\"protocol\" must be a revision such as \"2025-11-25\", not {protocol:?}"
        ));
    }
    raw.disabled |= raw.enabled == Some(false);
    Ok(Server {
        name: name.to_string(),
        disabled: raw.disabled,
        allowed_tools: raw.allowed_tools.clone(),
        start_timeout: seconds(
            "startTimeoutSeconds",
            raw.start_timeout_seconds.as_ref(),
            START,
        )?,
        call_timeout: seconds(
            "callTimeoutSeconds",
            raw.call_timeout_seconds.as_ref(),
            CALL,
        )?,
        protocol: raw.protocol.clone(),
        trusted,
        // A server that is switched off needs no variables.
        access: access(raw, variable)?,
    })
}

/// Whether a server may have this name: it becomes part of its tools' names, which providers read.
pub fn is_name(name: &str) -> Result<(), String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-. ".contains(letter);
    // Two of them stand between the names of server and tool.
    let is_one = !name.contains("__") && !name.starts_with('_') && !name.ends_with('_');
    match !name.trim().is_empty() && name.len() <= SERVER && name.chars().all(is_plain) && is_one {
        true => Ok(()),
        false => Err(format!(
            "{name:?} can't be a server's name: use up to {SERVER} letters, digits, - and single _"
        )),
    }
}

fn is_revision(text: &str) -> bool {
    let is_digit = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(is_digit)
}

fn seconds(name: &str, given: Option<&Value>, default: Duration) -> Result<Duration, String> {
    let Some(given) = given else {
        return Ok(default);
    };
    match given.as_f64() {
        Some(seconds) if seconds > 0.0 && seconds <= LONGEST => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!(
            "{name:?} must be a number of seconds above 0 and up to {LONGEST}, not {given}"
        )),
    }
}

fn access(raw: Raw, variable: &impl Fn(&str) -> Option<String>) -> Result<Access, String> {
    let fill = |text: &str| match raw.disabled {
        true => Ok(text.to_string()),
        false => expand(text, variable),
    };
    let all = |texts: &BTreeMap<String, String>| -> Result<BTreeMap<String, String>, String> {
        let filled = texts
            .iter()
            .map(|(name, text)| Ok((name.clone(), fill(text)?)));
        filled.collect()
    };
    let kind = match (raw.r#type.as_deref(), &raw.command, &raw.url) {
        (Some(kind), _, _) => kind,
        (None, Some(_), _) => "stdio",
        (None, None, Some(_)) => "http",
        (None, None, None) => return Err("\"command\" or \"url\" is missing".to_string()),
    };
    match kind {
        "stdio" => {
            let command = raw.command.as_deref().ok_or("\"command\" is missing")?;
            let args = raw.args.iter().map(|text| fill(text));
            Ok(Access::Stdio {
                command: fill(command)?,
                args: args.collect::<Result<_, _>>()?,
                env: all(&raw.env)?,
                cwd: raw.cwd.as_deref().map(fill).transpose()?.map(PathBuf::from),
            })
        }
        // Other programs write it so.
        "http" | "streamable-http" | "streamableHttp" | "sse" => {
            let url = url(&fill(raw.url.as_deref().ok_or("\"url\" is missing")?)?)?;
            let headers = all(&raw.headers)?;
            Ok(match kind {
                "sse" => Access::Sse { url, headers },
                _ => Access::Http { url, headers },
            })
        }
        other => Err(format!(
            "\"type\" is \"stdio\", \"http\" or \"sse\", not {other:?}"
        )),
    }
}

/// A URL that HTTP can reach.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("http://")
        .or(text.strip_prefix("https://"));
    match rest.is_some_and(|rest| rest.starts_with(|first: char| !"/?#:".contains(first))) {
        true => Ok(text.to_string()),
        // It is not quoted, for there may be a key in it.
        false => Err("\"url\" must begin with http:// or https:// and a host".to_string()),
    }
}

/// Fills in `${NAME}` and `${NAME:-default}`; anything else that looks alike stays. Errors if a variable without a default
/// is not set.
pub fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        expanded += before;
        let inside = from[2..].find('}').map(|end| &from[2..2 + end]);
        let Some(inside) = inside.filter(|inside| is_variable(inside)) else {
            expanded += "${";
            rest = &from[2..];
            continue;
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let value = variable(name).filter(|value| default.is_none() || !value.is_empty());
        expanded += &match (value, default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.to_string(),
            (None, None) => return Err(format!("the variable {name} is not set")),
        };
        rest = &from[2 + inside.len() + 1..];
    }
    Ok(expanded + rest)
}

fn is_variable(inside: &str) -> bool {
    let name = inside.split(":-").next().unwrap_or_default();
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    begins
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && (inside.len() == name.len() || inside[name.len()..].starts_with(":-"))
}

/// Of entries with the same name the first counts: what is nearer stands before what is further up.
pub fn merged(files: impl IntoIterator<Item = Vec<Configured>>) -> Vec<Configured> {
    let mut merged: Vec<Configured> = Vec::new();
    for configured in files.into_iter().flatten() {
        if !merged.iter().any(|known| known.name == configured.name) {
            merged.push(configured);
        }
    }
    merged.sort_by(|one, other| one.name.cmp(&other.name));
    merged
}

/// A file's text with this server in it, in place of one of the same name; the rest of the file stays.
pub fn with(text: &str, name: &str, entry: Value) -> Result<String, String> {
    edited(text, |servers| {
        servers.insert(name.to_string(), entry);
    })
}

/// A file's text without this server; `None` if it was not there.
pub fn without(text: &str, name: &str) -> Result<Option<String>, String> {
    let mut was_there = false;
    let edited = edited(text, |servers| {
        was_there = servers.shift_remove(name).is_some();
    })?;
    Ok(was_there.then_some(edited))
}

fn edited(text: &str, edit: impl FnOnce(&mut Map<String, Value>)) -> Result<String, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let mut value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let file = value.as_object_mut().ok_or("it must be a JSON object")?;
    let servers = file
        .entry("mcpServers")
        .or_insert_with(|| Value::Object(Map::new()));
    edit(
        servers
            .as_object_mut()
            .ok_or("\"mcpServers\" must be an object")?,
    );
    let pretty = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
    Ok(pretty + "\n")
}
