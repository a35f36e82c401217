//! The program `corecoder`: flags and environment in, an exit code out.
//!
//! Everything that works is in the engine and its extensions; here they are put together and shown to a person.

/// Prints a line; a reader that went away is no reason to stop working.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod approval;
mod args;
mod commands;
mod demo;
mod keep;
mod one_shot;
mod repl;
mod screen;
mod sessions;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use corecoder::{AgentError, Config};

use args::{Args, Command};

/// The command line or the configuration is wrong; nothing was done.
const USAGE: u8 = 2;
/// A limit ended the run before it was done.
const LIMIT: u8 = 3;
/// The provider is unavailable after all tries (EX_TEMPFAIL in sysexits.h).
const UNAVAILABLE: u8 = 75;

/// Shows an error to a person, and says how the program ends by it.
fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("corecoder: {}", screen::plain(&format!("{error:#}")));
    match error.downcast_ref::<AgentError>() {
        Some(AgentError::Rounds(_)) => ExitCode::from(LIMIT),
        Some(AgentError::Model(error)) if error.kind.passes() => ExitCode::from(UNAVAILABLE),
        _ => ExitCode::FAILURE,
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match args.command {
            Some(Command::Demo) => demo::run().await,
            _ => chat(args).await,
        }
    });
    // A search on another thread, or a line editor that waits for a key, must not hold up the end.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| report(&error))
}

async fn chat(mut args: Args) -> anyhow::Result<ExitCode> {
    let config = match Config::from_env() {
        Ok(config) => args.over(config),
        Err(error) => return Ok(usage(&error.to_string())),
    };
    if let Some(Command::Sessions { action, json }) = args.command.take() {
        return sessions::run(&config, action, json);
    }
    if config.api_key.is_empty() && !is_local(config.base_url.as_deref()) {
        return Ok(usage(NO_KEY));
    }
    let llm = match config.llm() {
        Ok(llm) => llm,
        Err(error) => return Ok(usage(&error.message)),
    };
    match one_shot::prompt(&args)? {
        one_shot::Prompt::Text(prompt) => one_shot::run(llm, config, &args, prompt).await,
        one_shot::Prompt::Empty => Ok(usage(
            "the prompt is empty; give one with -p, or start corecoder in a terminal",
        )),
        one_shot::Prompt::Terminal => repl::run(llm, config, &args).await,
    }
}

fn usage(message: &str) -> ExitCode {
    eprintln!("corecoder: {message}");
    ExitCode::from(USAGE)
}

/// Servers without TLS are local ones, and those seldom want a key.
fn is_local(base_url: Option<&str>) -> bool {
    base_url.is_some_and(|url| url.starts_with("http://"))
}

const NO_KEY: &str = "no API key. Set one, and the provider's URL if it is not OpenAI:

  export OPENAI_API_KEY=sk-...                                   # OpenAI
  export DEEPSEEK_API_KEY=sk-...                                 # DeepSeek
  export CORECODER_API_KEY=... CORECODER_BASE_URL=https://openrouter.ai/api/v1 CORECODER_MODEL=qwen/qwen3-coder
  export CORECODER_BASE_URL=http://localhost:11434/v1 CORECODER_MODEL=qwen2.5-coder   # a local server, no key

A .env file in the project works too. To see the program at work without any key: corecoder demo";
