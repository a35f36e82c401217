//! Every setting: its name in a settings file, its variables, its flag, and what it may be.

use serde_json::Value;

use crate::args::{MOST, hosts};

/// One setting.
pub struct Setting {
    /// In `settings.json`.
    pub name: &'static str,
    /// The environment variables, the first that is set counts; none for what only a file can say.
    pub variables: &'static [&'static str],
    pub flag: Option<&'static str>,
    pub kind: Kind,
    /// What it is without any setting, as a person reads it.
    pub default: &'static str,
    pub meaning: &'static str,
}

/// What a setting may be.
#[derive(Clone, Copy)]
pub enum Kind {
    Text,
    /// Never shown.
    Secret,
    /// A whole number above 0.
    Count,
    /// A number from 0 to this.
    UpTo(f64),
    Choice(&'static [&'static str]),
    /// Texts, with commas between them in a variable.
    List,
    Switch,
    /// Hosts, with commas between them in a variable; `*` or true for all.
    Hosts,
    /// An object, which whoever uses it reads.
    Object,
}

const fn setting(
    name: &'static str,
    variables: &'static [&'static str],
    flag: Option<&'static str>,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        variables,
        flag,
        kind,
        default,
        meaning,
    }
}

pub const MODES: &[&str] = &["ask", "accept-edits", "plan", "yolo"];
pub const EFFORTS: &[&str] = &["low", "medium", "high", "max"];
pub const SANDBOX: &[&str] = &["read-only", "workspace-write", "off"];
pub const NOTIFY: &[&str] = &["auto", "bell", "osc9", "off"];

/// All of them, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    setting(
        "model",
        &["CORECODER_MODEL"],
        Some("--model"),
        Kind::Text,
        "gpt-5.5",
        "the model's name",
    ),
    setting(
        "provider",
        &["CORECODER_PROVIDER"],
        Some("--provider"),
        Kind::Text,
        "by the model, the URL or the key",
        "who offers the model",
    ),
    setting(
        "base_url",
        &["CORECODER_BASE_URL", "OPENAI_BASE_URL"],
        Some("--base-url"),
        Kind::Text,
        "OpenAI",
        "the provider's URL",
    ),
    setting(
        "api_key",
        &["CORECODER_API_KEY", "OPENAI_API_KEY", "DEEPSEEK_API_KEY"],
        Some("--api-key"),
        Kind::Secret,
        "(none)",
        "the key",
    ),
    setting(
        "max_tokens",
        &["CORECODER_MAX_TOKENS"],
        None,
        Kind::Count,
        "the server's",
        "the longest reply in tokens",
    ),
    setting(
        "temperature",
        &["CORECODER_TEMPERATURE"],
        None,
        Kind::UpTo(2.0),
        "the server's",
        "0 to 2",
    ),
    setting(
        "max_context",
        &["CORECODER_MAX_CONTEXT"],
        None,
        Kind::Count,
        "what is known of the model",
        "the model's window in tokens",
    ),
    setting(
        "effort",
        &["CORECODER_EFFORT"],
        Some("--effort"),
        Kind::Choice(EFFORTS),
        "the provider's",
        "how hard to think",
    ),
    setting(
        "fallback",
        &["CORECODER_FALLBACK"],
        Some("--fallback"),
        Kind::List,
        "(none)",
        "models that take over where the first fails",
    ),
    setting(
        "small",
        &["CORECODER_SMALL"],
        Some("--small"),
        Kind::Switch,
        "true below a window of 16k",
        "few words and tools, for small models",
    ),
    setting(
        "max_cost",
        &["CORECODER_MAX_COST"],
        Some("--max-cost"),
        Kind::UpTo(MOST),
        "no limit",
        "dollars that a session may cost",
    ),
    setting(
        "max_cost_per_day",
        &["CORECODER_MAX_COST_PER_DAY"],
        None,
        Kind::UpTo(MOST),
        "no limit",
        "dollars that all sessions of a day may cost",
    ),
    setting(
        "max_tokens_total",
        &["CORECODER_MAX_TOKENS_TOTAL"],
        Some("--max-tokens-total"),
        Kind::Count,
        "no limit",
        "tokens that a session may use, in and out",
    ),
    setting(
        "max_time_seconds",
        &["CORECODER_MAX_TIME_SECONDS"],
        Some("--max-time"),
        Kind::Count,
        "no limit",
        "how long to work at a task",
    ),
    setting(
        "connect_timeout_seconds",
        &["CORECODER_CONNECT_TIMEOUT_SECONDS"],
        None,
        Kind::Count,
        "20",
        "how long to wait for a connection",
    ),
    setting(
        "first_byte_timeout_seconds",
        &["CORECODER_FIRST_BYTE_TIMEOUT_SECONDS"],
        None,
        Kind::Count,
        "600",
        "how long to wait for the beginning of a reply",
    ),
    setting(
        "idle_timeout_seconds",
        &["CORECODER_IDLE_TIMEOUT_SECONDS"],
        None,
        Kind::Count,
        "300",
        "how long to wait for the next piece of a reply",
    ),
    setting(
        "total_timeout_seconds",
        &["CORECODER_TOTAL_TIMEOUT_SECONDS"],
        None,
        Kind::Count,
        "no limit",
        "how long one reply may take",
    ),
    setting(
        "max_turns",
        &["CORECODER_MAX_TURNS"],
        Some("--max-turns"),
        Kind::Count,
        "50",
        "requests in one run, at most",
    ),
    setting(
        "mode",
        &["CORECODER_MODE"],
        Some("--mode"),
        Kind::Choice(MODES),
        "ask",
        "what needs no question",
    ),
    setting(
        "sandbox",
        &["CORECODER_SANDBOX"],
        Some("--sandbox"),
        Kind::Choice(SANDBOX),
        "workspace-write",
        "what commands may do: read-only, workspace-write or off",
    ),
    setting(
        "add_dirs",
        &["CORECODER_ADD_DIRS"],
        Some("--add-dir"),
        Kind::List,
        "(none)",
        "more folders that may be written",
    ),
    setting(
        "allow_net",
        &["CORECODER_ALLOW_NET"],
        Some("--allow-net"),
        Kind::Hosts,
        "(none)",
        "hosts that commands may reach; * for all",
    ),
    setting(
        "allow_env",
        &[],
        None,
        Kind::List,
        "(none)",
        "variables that commands are given although their names look like keys",
    ),
    setting(
        "sandbox_limits",
        &[],
        None,
        Kind::Object,
        "2000 processes, 4096 memory_mb, 10240 file_size_mb, 4096 open_files",
        "what one command may use up: processes, memory_mb, file_size_mb, open_files",
    ),
    setting(
        "mcp_wait_ms",
        &["CORECODER_MCP_WAIT_MS"],
        None,
        Kind::UpTo(600_000.0),
        "300; with -p as long as they may take to start",
        "how long the first request waits for MCP servers",
    ),
    setting(
        "mcp_sampling",
        &["CORECODER_MCP_SAMPLING"],
        None,
        Kind::Switch,
        "false",
        "whether MCP servers may ask the model, at your expense",
    ),
    setting(
        "verbose",
        &["CORECODER_VERBOSE"],
        Some("--verbose"),
        Kind::Switch,
        "false",
        "show thoughts and outputs",
    ),
    setting(
        "notify",
        &["CORECODER_NOTIFY"],
        None,
        Kind::Choice(NOTIFY),
        "auto",
        "how the end of a long turn is told",
    ),
    setting(
        "notify_after",
        &["CORECODER_NOTIFY_AFTER"],
        None,
        Kind::Count,
        "10",
        "seconds that make a turn a long one",
    ),
    setting(
        "permissions",
        &[],
        Some("--allowed-tools"),
        Kind::Object,
        "(none)",
        "allow, ask, deny: lists of rules",
    ),
    setting(
        "hooks",
        &[],
        None,
        Kind::Object,
        "(none)",
        "programs that are told of steps",
    ),
    setting(
        "prices",
        &[],
        None,
        Kind::Object,
        "a table of 2026",
        "by model: input, cached, write, output, in dollars per million tokens; window, max_tokens",
    ),
    setting(
        "providers",
        &[],
        None,
        Kind::Object,
        "a table",
        "more of them, or their rows changed (docs/providers.md)",
    ),
];

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The name that was probably meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let names = SETTINGS.iter().map(|setting| setting.name);
    crate::words::nearest(name, names)
}

impl Kind {
    /// A value of a settings file as the text that a variable would hold; or what it must be.
    pub fn text(self, value: &Value) -> Result<String, String> {
        match (self, value) {
            (Kind::Text | Kind::Secret, Value::String(text)) => Ok(text.clone()),
            (Kind::Text | Kind::Secret, _) => Err("a text".to_string()),
            (Kind::Count, Value::Number(number)) if number.as_u64().is_some_and(|n| n > 0) => {
                Ok(number.to_string())
            }
            (Kind::Count, _) => Err("a whole number above 0".to_string()),
            (Kind::UpTo(most), Value::Number(number)) if within(number.as_f64(), most) => {
                Ok(number.to_string())
            }
            (Kind::UpTo(most), _) => Err(format!("a number from 0 to {most}")),
            (Kind::Choice(choices), Value::String(text)) if choices.contains(&text.as_str()) => {
                Ok(text.clone())
            }
            (Kind::Choice(choices), _) => Err(format!("one of {}", choices.join(", "))),
            (Kind::List, Value::String(text)) => Ok(text.clone()),
            (Kind::List, Value::Array(items)) if items.iter().all(Value::is_string) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                Ok(items.join(","))
            }
            (Kind::List, _) => Err("a list of texts".to_string()),
            (Kind::Switch, Value::Bool(on)) => Ok(on.to_string()),
            (Kind::Switch, _) => Err("true or false".to_string()),
            (Kind::Hosts, Value::Bool(all)) => Ok(if *all { "*" } else { "" }.to_string()),
            (Kind::Hosts, Value::String(text)) if hosts(text).is_ok() => Ok(text.clone()),
            (Kind::Hosts, Value::Array(_)) => Kind::List
                .text(value)
                .and_then(|text| self.text(&text.into())),
            (Kind::Hosts, _) => Err("a list of hosts such as example.org, or \"*\"".to_string()),
            (Kind::Object, Value::Object(_)) => Ok(value.to_string()),
            (Kind::Object, _) => Err("an object".to_string()),
        }
    }

    /// Whether a variable's text is such a value.
    pub fn allows(self, text: &str) -> Result<(), String> {
        let value = match self {
            Kind::Text | Kind::Secret | Kind::Choice(_) | Kind::List => Value::from(text),
            Kind::Hosts if !matches!(text, "true" | "false") => Value::from(text),
            _ => serde_json::from_str(text).unwrap_or(Value::Null),
        };
        self.text(&value).map(|_| ())
    }
}

fn within(number: Option<f64>, most: f64) -> bool {
    number.is_some_and(|number| (0.0..=most).contains(&number))
}
