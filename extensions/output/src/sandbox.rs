//! What is said of the sandbox in which commands run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In what sandbox commands run: what it keeps, or `"off"` (a field of CoreCoder's own).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Sandbox {
    /// In none.
    Off(Off),
    On(Borders),
}

/// There is no sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Off {
    #[default]
    Off,
}

/// What the sandbox keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Borders {
    /// Where commands may write: `read-only` or `workspace-write`.
    pub access: String,
    /// The hosts that commands may reach; empty for none, `*` alone for all.
    pub network: Vec<String>,
    /// What keeps it: `namespaces`, `landlock` or `seatbelt`.
    pub mechanism: String,
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::Off(Off::Off)
    }
}
