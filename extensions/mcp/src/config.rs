//! Which servers there are: `mcpServers`, as everyone writes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A server, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub name: String,
    pub access: Access,
    /// Only these of its tools, if any are named.
    pub allowed_tools: Option<Vec<String>>,
    pub disabled: bool,
    /// The revision of the protocol to speak, such as `2025-11-25`; without it the server is asked. Some servers speak
    /// several and can do more in an earlier one.
    pub protocol: Option<String>,
    /// How long it may take until its tools are known.
    pub start_timeout: Duration,
    /// How long a call may take without a sign of progress.
    pub call_timeout: Duration,
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
