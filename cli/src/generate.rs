//! Completions and the man page, out of the one definition of the flags.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;

/// Prints completions for this shell.
pub fn completions(shell: Shell) -> std::io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "corecoder", &mut text);
    print(&text)
}

/// Prints the man page, in roff.
pub fn man() -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut text)?;
    Ok(print(&text)?)
}

/// A reader that went away has had enough.
fn print(text: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
