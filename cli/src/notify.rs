//! Tells a person who looked away that a long turn has ended.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::settings::Settings;

/// Rings the bell, or names what ended where the terminal shows such words, if the turn took long enough.
pub fn after(took: Duration, settings: &Settings, what: &str) {
    if took < settings.notify_after || !std::io::stdout().is_terminal() {
        return;
    }
    // OSC 9, which these terminals show as a notification of the desktop.
    let shows = ["iTerm.app", "WezTerm", "ghostty", "WarpTerminal"];
    let program = std::env::var("TERM_PROGRAM").unwrap_or_default();
    let text = match settings.notify.as_str() {
        "off" => return,
        "osc9" => format!("\x1b]9;{what}\x07"),
        "auto" if shows.contains(&program.as_str()) => format!("\x1b]9;{what}\x07"),
        _ => "\x07".to_string(),
    };
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
