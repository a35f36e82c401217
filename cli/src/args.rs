//! The command line: the one definition from which parser, help, completions and man page are made.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use corecoder::Config;
use corecoder_guard::permissions::{Mode, Rule};
use corecoder_sandbox::Network;

/// A coding agent in the terminal, small enough to read.
///
/// Without -p it is interactive. A setting comes from a flag, else the environment or a .env file, else the project's
/// .corecoder/settings.json, else ~/.corecoder/settings.json: `corecoder config` shows all of them.
#[derive(Parser)]
#[command(name = "corecoder", version, about = ABOUT, long_about = None, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// What to begin with
    #[arg(value_name = "TASK", value_parser = task)]
    pub task: Option<String>,

    /// Do one task and print the answer; piped input is appended
    #[arg(short, long, value_name = "TASK", num_args = 0..=1, default_missing_value = "", visible_alias = "print")]
    pub prompt: Option<String>,

    /// Show what the model thinks and what tools answer
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub provider: ProviderArgs,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    pub session: SessionArgs,

    #[command(flatten)]
    pub permissions: PermissionArgs,

    #[command(flatten)]
    pub sandbox: SandboxArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Group)]
#[command(next_help_heading = "Model")]
pub struct ProviderArgs {
    /// The model's name, such as gpt-5.5 or anthropic/claude-sonnet-5-5
    #[arg(short, long, value_name = "NAME", global = true)]
    pub model: Option<String>,

    /// Who offers it: openai, anthropic, gemini, ollama, ... (corecoder models)
    #[arg(long, value_name = "NAME", global = true)]
    pub provider: Option<String>,

    /// The provider's URL, up to /chat/completions
    #[arg(long, value_name = "URL", global = true)]
    pub base_url: Option<String>,

    /// The key; better kept in the environment, unseen by others
    #[arg(long, value_name = "KEY", global = true)]
    pub api_key: Option<String>,

    /// How hard to think: low, medium, high or max
    #[arg(long, value_name = "LEVEL", hide_possible_values = true)]
    pub effort: Option<Effort>,

    /// Models that take over where this one fails: a,b or provider/a or a@URL
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    pub fallback: Vec<String>,

    /// Few words and tools, for small models; by itself below 16k of window
    #[arg(long)]
    pub small: bool,
}

#[derive(Group)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Spend at most so much in this session
    #[arg(long, value_name = "DOLLARS", value_parser = dollars, alias = "max-budget-usd")]
    pub max_cost: Option<f64>,

    /// Use at most so many tokens in this session, in and out
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_tokens_total: Option<u64>,

    /// Work at most so long at a task: 90s, 10m, 2h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub max_time: Option<Duration>,
}

/// How hard a model is asked to think.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Effort {
    Low,
    Medium,
    High,
    Max,
}

#[derive(Group)]
#[command(next_help_heading = "Sessions")]
pub struct SessionArgs {
    /// Go on with the newest session of this directory
    #[arg(short = 'c', long = "continue", conflicts_with = "resume")]
    pub continues: bool,

    /// Go on with a session; without an ID, choose from a list
    #[arg(short, long, value_name = "ID", num_args = 0..=1)]
    pub resume: Option<Option<String>>,

    /// With -c or -r: go on in a copy
    #[arg(long)]
    pub fork: bool,
}

#[derive(Group)]
#[command(next_help_heading = "Permissions")]
pub struct PermissionArgs {
    /// ask, accept-edits, plan or yolo
    #[arg(long, value_name = "MODE", alias = "permission-mode")]
    pub mode: Option<Mode>,

    /// Allow every call without asking; the same as --mode yolo
    #[arg(long, conflicts_with = "mode", alias = "dangerously-skip-permissions")]
    pub yes: bool,

    /// Need no question: "bash(cargo test*)" "edit_file(src/**)"
    #[arg(long, value_name = "RULE", num_args = 1.., value_parser = rules, alias = "allowedTools")]
    pub allowed_tools: Vec<Rules>,

    /// Calls that are refused, and tools that the model is not given
    #[arg(long, value_name = "RULE", num_args = 1.., value_parser = rules, alias = "disallowedTools")]
    pub disallowed_tools: Vec<Rules>,

    /// Let this folder's own settings, hooks and skills count
    #[arg(long)]
    pub trust: bool,
}

#[derive(Group)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxArgs {
    /// What commands may do: read-only, workspace-write or off
    #[arg(
        id = "sandbox",
        long = "sandbox",
        value_name = "WHAT",
        hide_possible_values = true,
        global = true
    )]
    pub borders: Option<Borders>,

    /// Let another folder be written, beside the working directory
    #[arg(long, value_name = "DIR", global = true)]
    pub add_dir: Vec<PathBuf>,

    /// Let commands reach the network, or these hosts of it: a.org,*.b.org
    #[arg(long, value_name = "HOSTS", num_args = 0..=1, default_missing_value = "*", value_parser = hosts, global = true)]
    pub allow_net: Vec<Network>,
}

impl SandboxArgs {
    /// Whom commands may reach, if that is said.
    pub fn network(&self) -> Option<Network> {
        let both = |one, other| match (one, other) {
            (Network::Hosts(one), Network::Hosts(other)) => Network::Hosts([one, other].concat()),
            (Network::None, other) | (other, Network::None) => other,
            _ => Network::All,
        };
        self.allow_net.iter().cloned().reduce(both)
    }
}

/// In what borders commands are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Borders {
    ReadOnly,
    WorkspaceWrite,
    /// In none.
    Off,
}

impl std::fmt::Display for Borders {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Borders::ReadOnly => "read-only",
            Borders::WorkspaceWrite => "workspace-write",
            Borders::Off => "off",
        })
    }
}

#[derive(Group)]
#[command(next_help_heading = "For scripts")]
pub struct OutputArgs {
    /// text, json or stream-json (docs/output.md)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub output_format: OutputFormat,

    /// text or stream-json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub input_format: InputFormat,

    /// With stream-json: pieces of the answer as they come, too
    #[arg(long)]
    pub include_partial_messages: bool,

    /// The answer must be JSON that fits this schema
    #[arg(long, value_name = "FILE")]
    pub output_schema: Option<PathBuf>,

    /// Write the last answer to this file too
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Make at most so many requests, then stop [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_turns: Option<u64>,

    /// More words for the system prompt
    #[arg(long, value_name = "TEXT")]
    pub append_system_prompt: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
    StreamJson,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    Text,
    StreamJson,
}

#[derive(Subcommand)]
pub enum Command {
    /// See the agent find and fix a bug: no key, no network
    Demo,
    /// List the sessions that were kept, the newest first
    Sessions {
        #[command(subcommand)]
        action: Option<SessionsCommand>,
        /// One JSON array, for programs
        #[arg(long)]
        json: bool,
    },
    /// List what an endpoint offers, with window and price
    Models {
        /// Whose; without it the one that is set up
        #[arg(value_name = "PROVIDER")]
        of: Option<String>,
        /// One JSON array, for programs
        #[arg(long)]
        json: bool,
    },
    /// Show what a session cost, by model and round
    Cost {
        /// Its ID, or the beginning; without it the newest of this directory
        session: Option<String>,
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Find the files that an error message, an issue or a description is about
    Locate(LocateArgs),
    /// MCP servers: list, add, remove, show and try them
    Mcp {
        #[command(subcommand)]
        action: McpCommand,
    },
    /// Show every setting, its value and where it comes from
    Config,
    /// Check key, endpoint, model and terminal, and say what to do
    Doctor,
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Print the man page
    Man,
}

#[derive(Subcommand)]
pub enum McpCommand {
    /// Try all servers, and say how they are
    List {
        /// One JSON array, for programs
        #[arg(long)]
        json: bool,
    },
    /// Add a server: its URL, or -- and the command that starts it
    Add(McpAddArgs),
    /// Remove a server from the file that it stands in
    Remove {
        name: String,
        #[arg(long, value_enum)]
        scope: Option<Scope>,
    },
    /// Show how a server is configured; keys are not shown
    Get { name: String },
    /// Start a server and show what it offers, how long it took, and what it wrote to its stderr
    Test { name: String },
}

#[derive(Group)]
pub struct McpAddArgs {
    /// What the server is called in the names of its tools
    pub name: String,

    /// Its URL, or the command that starts it with its arguments; put -- before a command with options
    #[arg(value_name = "URL|COMMAND", required = true, num_args = 1.., trailing_var_arg = true)]
    pub target: Vec<String>,

    /// For whom: you, or everybody who works in this project
    #[arg(long, value_enum, default_value_t = Scope::User)]
    pub scope: Scope,

    /// How to talk to it [default: stdio for a command, http for a URL]
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,

    /// A variable of its environment; ${NAME} stands for one of yours
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair('='))]
    pub env: Vec<(String, String)>,

    /// A header of each request, such as "Authorization: Bearer ${TOKEN}"
    #[arg(long, value_name = "NAME: VALUE", value_parser = pair(':'))]
    pub header: Vec<(String, String)>,
}

/// Who has a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Scope {
    /// ~/.corecoder/mcp.json
    User,
    /// .mcp.json in the project
    Project,
}

/// How a server is talked to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Transport {
    Stdio,
    Http,
    Sse,
}

/// A name and a value with this between them.
fn pair(
    between: char,
) -> impl Fn(&str) -> Result<(String, String), String> + Clone + Send + Sync + 'static {
    move |text| match text.split_once(between) {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_string(), value.trim_start().to_string()))
        }
        _ => Err(format!("there is no {between:?} in it")),
    }
}

#[derive(Group)]
pub struct LocateArgs {
    /// What is looked for, best in the words of the message or issue
    #[arg(value_name = "QUERY", required_unless_present = "batch")]
    pub query: Option<String>,

    /// Where: a folder, or with --batch a repository [default: the working directory]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,

    /// At most so many files [default: 10], or questions [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// One JSON object, with --batch one a question
    #[arg(long)]
    pub json: bool,

    /// Show how each score comes about (docs/locate.md)
    #[arg(long)]
    pub explain: bool,

    /// Ask what the repository's own commits say, and score the answers by what they changed
    #[arg(long, conflicts_with_all = ["query", "explain"])]
    pub batch: bool,
}

#[derive(Subcommand)]
pub enum SessionsCommand {
    /// Delete old sessions; asks first
    Prune {
        /// Those written last longer ago than this: 90d, 12w, 36h
        #[arg(long, value_name = "AGE", value_parser = age)]
        older_than: Duration,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// One or more rules, as in `bash(git diff*),read_file`.
#[derive(Clone)]
pub struct Rules(pub Vec<Rule>);

/// Commas and blanks separate rules, but not within parentheses.
fn rules(text: &str) -> Result<Rules, String> {
    let (mut depth, mut words) = (0_usize, vec![String::new()]);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match words.last_mut() {
            Some(word) if depth > 0 || !matches!(c, ',' | ' ') => word.push(c),
            _ => words.push(String::new()),
        }
    }
    let words = words.iter().filter(|word| !word.is_empty());
    words
        .map(|word| word.parse())
        .collect::<Result<_, _>>()
        .map(Rules)
}

/// What to begin with. One word that is nearly a command is a slip.
fn task(text: &str) -> Result<String, String> {
    let commands = <Args as clap::CommandFactory>::command();
    let names: Vec<&str> = commands
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let near = crate::words::nearest(text, names).filter(|_| !text.contains(char::is_whitespace));
    match near {
        Some(near) => Err(format!(
            "there is no such command; {near} is near it. To say just this word, use -p"
        )),
        None => Ok(text.to_string()),
    }
}

/// Whom commands may reach: `*` for everybody, or hosts as in `example.org,*.example.net,localhost:8080`.
pub fn hosts(text: &str) -> Result<Network, String> {
    let hosts: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.contains(&"*") {
        return Ok(Network::All);
    }
    match hosts.iter().find(|host| !is_host(host)) {
        Some(host) => Err(format!(
            "{host:?} is no host; write example.org, *.example.org or example.org:8443"
        )),
        None if hosts.is_empty() => Ok(Network::None),
        None => Ok(Network::Hosts(
            hosts.iter().map(|host| host.to_string()).collect(),
        )),
    }
}

/// A name or an address, with a port or without.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host = host.strip_prefix("*.").unwrap_or(host);
    let is_address = host
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_ok();
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let is_name = host
        .split('.')
        .all(|label| !label.is_empty() && label.chars().all(of_name));
    (is_address || is_name)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The arguments with `--allow-net` as it is meant: what follows it is the task, or a command, unless it looks like hosts.
fn parted(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let (mut parted, mut args) = (Vec::new(), args.peekable());
    while let Some(arg) = args.next() {
        if arg == "--" {
            parted.push(arg);
            break;
        }
        let next = args.peek().and_then(|next| next.to_str());
        let is_bare = arg == "--allow-net" && !next.is_some_and(looks_like_hosts);
        parted.push(if is_bare { "--allow-net=*".into() } else { arg });
    }
    parted.extend(args);
    parted
}

fn looks_like_hosts(text: &str) -> bool {
    let is_meant = |host: &str| {
        host == "*" || is_host(host) && (host.contains(['.', ':']) || host == "localhost")
    };
    text.split(',').all(|host| is_meant(host.trim()))
}

/// A number of tokens, as in `200000` or `200k`.
fn count(text: &str) -> Result<u64, String> {
    let (number, factor) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000),
        None => (text, 1),
    };
    let number = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text:?} is no number of tokens; write one as in 200000 or 200k"))
}

/// Dollars from 0.
fn dollars(text: &str) -> Result<f64, String> {
    let number = text.strip_prefix('$').unwrap_or(text).parse::<f64>().ok();
    let number = number.filter(|dollars| (0.0..=MOST).contains(dollars));
    number.ok_or_else(|| format!("{text:?} is no sum; write dollars, as in 2.50"))
}

/// The highest limit in dollars, above which a number is a slip.
pub const MOST: f64 = 1_000_000.0;

/// Seconds, or a number with a unit, as in `10m`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; write a number with s, m or h, as in 10m");
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "h" => 3_600,
        "m" => 60,
        _ => 1,
    };
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// A number with a unit, as in `90d`.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no age; write a number with h, d or w, as in 90d");
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 24 * 7,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(hours * 3_600).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

const ABOUT: &str = "\
A coding agent in the terminal, small enough to read. Without -p it is interactive.

A setting comes from a flag, else the environment or a .env file, else .corecoder/settings.json of
the project, else ~/.corecoder/settings.json; `corecoder config` shows them all.";

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 error, 2 usage or configuration, 3 a limit was hit, 75 the provider is
unavailable after all retries, 130 interrupted.";

impl Args {
    /// Reads the command line; ends the program where it is wrong, or asks for help alone.
    pub fn read() -> Args {
        Args::parse_from(parted(std::env::args_os()))
    }

    /// Flags that don't go together, where the parser can't tell.
    pub fn unfit(&self) -> Option<&'static str> {
        let prompt = self.prompt.as_deref().unwrap_or_default();
        let lines = self.output.input_format == InputFormat::StreamJson;
        if lines && !prompt.trim().is_empty() {
            return Some(
                "with --input-format stream-json all messages come on standard input; leave -p out",
            );
        }
        let printed = self.output.output_format == OutputFormat::StreamJson;
        if self.output.include_partial_messages && !printed {
            return Some("--include-partial-messages needs --output-format stream-json");
        }
        None
    }

    /// The configuration with what the command line says instead.
    pub fn over(&self, mut config: Config) -> Config {
        let own = &self.provider;
        config.model = own.model.clone().unwrap_or(config.model);
        config.base_url = own.base_url.clone().or(config.base_url);
        config.api_key = own.api_key.clone().unwrap_or(config.api_key);
        config
    }
}
