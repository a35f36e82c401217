//! Completions and the man page, out of the one definition of the flags.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;

/// Prints completions for this shell.
pub fn completions(shell: Shell) {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "corecoder", &mut text);
    // A reader that went away has had enough.
    let _ = std::io::stdout().write_all(&text);
}

/// Prints the man page, in roff.
pub fn man() -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut text)?;
    let _ = std::io::stdout().write_all(&text);
    Ok(())
}
