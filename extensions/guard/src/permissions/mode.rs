//! How much may happen without a question.

use std::fmt;
use std::str::FromStr;

/// What becomes of calls that no rule speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Whatever may change something is asked for.
    #[default]
    Ask,
    /// Edits of files in the project are not asked for.
    AcceptEdits,
    /// Nothing may be changed, allowed or not.
    Plan,
    /// Nothing is asked for; what is denied stays denied.
    Yolo,
}

impl Mode {
    /// The next one when a person cycles through them; [`Mode::Yolo`] is left but never reached.
    pub fn next(self) -> Mode {
        match self {
            Mode::Ask => Mode::AcceptEdits,
            Mode::AcceptEdits => Mode::Plan,
            Mode::Plan | Mode::Yolo => Mode::Ask,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Mode::Ask => "ask",
            Mode::AcceptEdits => "accept-edits",
            Mode::Plan => "plan",
            Mode::Yolo => "yolo",
        })
    }
}

impl FromStr for Mode {
    type Err = String;

    /// Our names, and those of Claude Code's `permissions.defaultMode`.
    fn from_str(name: &str) -> Result<Mode, String> {
        match name {
            "ask" | "default" => Ok(Mode::Ask),
            "accept-edits" | "acceptEdits" => Ok(Mode::AcceptEdits),
            "plan" => Ok(Mode::Plan),
            "yolo" | "bypassPermissions" => Ok(Mode::Yolo),
            "dontAsk" => Err(
                "there is no permission mode that refuses instead of asking (dontAsk); take ask \
                 and deny what must not run"
                    .to_owned(),
            ),
            _ => Err(format!(
                "{name:?} is no permission mode; there are ask, accept-edits, plan and yolo"
            )),
        }
    }
}
