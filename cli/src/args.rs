//! The command line.

use std::time::Duration;

use clap::{Parser, Subcommand};
use corecoder::Config;

/// A coding agent in the terminal, small enough to read.
///
/// Without -p it is interactive. Settings come from flags, else the environment, else a .env file.
#[derive(Parser)]
#[command(version, after_help = ENVIRONMENT)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Do one task and print the answer; piped input is appended to the prompt
    #[arg(short, long, value_name = "PROMPT")]
    pub prompt: Option<String>,

    /// The model's name [env: CORECODER_MODEL, default: gpt-5.5]
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,

    /// The provider's URL, up to /chat/completions [env: CORECODER_BASE_URL, OPENAI_BASE_URL]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,

    /// The provider's key; better kept in the environment, where other users can't see it
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<String>,

    /// Go on with the newest session of this directory
    #[arg(short = 'c', long = "continue", conflicts_with = "resume")]
    pub continues: bool,

    /// Go on with a session; without an ID, choose one from a list
    #[arg(short, long, value_name = "ID", num_args = 0..=1)]
    pub resume: Option<Option<String>>,

    /// With -c or -r: go on in a copy, and leave the session as it is
    #[arg(long)]
    pub fork: bool,

    /// Allow every call without asking
    #[arg(long)]
    pub yes: bool,

    /// Show what the model thinks and what tools answer
    #[arg(short, long)]
    pub verbose: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// See the agent find and fix a bug: no key, no network, a scripted model, everything else real
    Demo,
    /// List the sessions that were kept, the newest first
    Sessions {
        #[command(subcommand)]
        action: Option<SessionsCommand>,
        /// One JSON array, for programs
        #[arg(long)]
        json: bool,
    },
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

const ENVIRONMENT: &str = "\
Environment:
  CORECODER_API_KEY, OPENAI_API_KEY, DEEPSEEK_API_KEY   the key; the first that is set
  CORECODER_BASE_URL, OPENAI_BASE_URL                   the provider's URL
  CORECODER_MODEL                                       the model
  CORECODER_MAX_TOKENS, CORECODER_TEMPERATURE           longest reply in tokens; 0 to 2
  CORECODER_MAX_CONTEXT                                 the model's window in tokens, if not what is known of it
  CORECODER_HOME                                        where sessions are kept (default: ~/.corecoder)
  NO_COLOR                                              no colours

Exit codes:
  0 done   1 error   2 usage or configuration   3 a limit was hit
  75 the provider is unavailable after all retries   130 interrupted";

impl Args {
    /// The configuration with what the command line says instead.
    pub fn over(&self, mut config: Config) -> Config {
        config.model = self.model.clone().unwrap_or(config.model);
        config.base_url = self.base_url.clone().or(config.base_url);
        config.api_key = self.api_key.clone().unwrap_or(config.api_key);
        config
    }
}
