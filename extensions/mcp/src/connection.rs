//! A connection to one server: its tools, resources and prompts, whatever it speaks.
//!
//! What comes from the server is handed on as it came: each list as the raw JSON of its entries, so that one that can't be
//! read loses none of the others. A connection that has ended stays ended; starting anew is the caller's.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmcp::RoleClient;
use rmcp::model::{
    ArgumentInfo, CallToolRequest, CallToolRequestParams, ClientRequest, CompleteRequest,
    CompleteRequestParams, CustomRequest, GetPromptRequest, GetPromptRequestParams,
    ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest, ListToolsRequest,
    PaginatedRequestParams, ReadResourceRequest, ReadResourceRequestParams, Reference,
};
use rmcp::service::{Peer, RunningService, serve_directly_with_ct};
use rmcp::transport::Transport;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::answers::Answers;
use crate::call::{Progress, Round};
use crate::client::Client;
use crate::config::Server;
use crate::errors::{CallError, OpenError};
use crate::handshake::Facts;
use crate::link::Link;
use crate::listening::listen;
use crate::opening;
use crate::process::Process;
use crate::shepherd::Shepherd;
use crate::transport::Gate;

/// <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports>
const HEADER_MISMATCH: i32 = -32020;
/// Pages that are read of a list.
const PAGES: usize = 100;
/// So many entries of a list are taken, for each of them costs memory, and time in each search.
pub(crate) const ENTRIES: usize = 5_000;

/// After a call that had no answer a process has so long to answer anything at all.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// A server that can be called. Clones are the same connection; it ends with the last of them.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

/// What is at the other end.
pub(crate) enum End {
    Process(Arc<Process>),
    /// Its name.
    Place(String),
}

pub(crate) struct Inner {
    pub link: Arc<Link>,
    pub facts: Facts,
    pub peer: Peer<RoleClient>,
    pub end: End,
    /// Of calls, without a sign of progress.
    pub limit: Duration,
    service: Mutex<Option<RunningService<RoleClient, Answers>>>,
}

impl Connection {
    /// Starts or reaches a server and settles which revision is spoken, within `server.start_timeout`.
    pub async fn open(
        server: &Server,
        client: Arc<dyn Client>,
        shepherd: &Shepherd,
    ) -> Result<Connection, OpenError> {
        opening::open(server, client, shepherd).await
    }

    /// From now on the SDK's service reads and writes.
    pub(crate) fn begin<T: Transport<RoleClient> + 'static>(
        gate: Gate<T>,
        link: Arc<Link>,
        facts: Facts,
        end: End,
        limit: Duration,
    ) -> Connection {
        link.opened();
        let answers = Answers {
            link: link.clone(),
            is_modern: facts.is_modern,
        };
        let known = Some(facts.peer());
        let service = serve_directly_with_ct(answers, gate, known, CancellationToken::new());
        let peer = service.peer().clone();
        tokio::spawn(listen(peer.clone(), link.clone(), facts.clone()));
        let connection = Connection {
            inner: Arc::new(Inner {
                link,
                peer,
                end,
                limit,
                service: Mutex::new(Some(service)),
                facts,
            }),
        };
        connection.quieten();
        connection
    }

    /// An old server is asked to log warnings only; one of the new era hears it with each request.
    fn quieten(&self) {
        if !self.inner.facts.is_modern && self.has("logging") {
            let peer = self.inner.peer.clone();
            tokio::spawn(async move {
                let level =
                    CustomRequest::new("logging/setLevel", Some(json!({"level": "warning"})));
                let _ = peer.send_request(ClientRequest::CustomRequest(level)).await;
            });
        }
    }

    /// Of the protocol, such as `2026-07-28`.
    pub fn revision(&self) -> &str {
        &self.inner.facts.revision
    }

    /// The server's, as it says; empty if it does not.
    pub fn name_and_version(&self) -> String {
        let part = |key: &str| self.inner.facts.info[key].as_str().unwrap_or_default();
        format!("{} {}", part("name"), part("version"))
            .trim()
            .to_string()
    }

    /// What the server wants the model to know.
    pub fn instructions(&self) -> Option<&str> {
        self.inner.facts.instructions.as_deref()
    }

    /// Whether the server has `tools`, `resources`, `prompts`, `completions` or `logging`.
    pub fn has(&self, capability: &str) -> bool {
        let found = self.inner.facts.capabilities.get(capability);
        found.is_some_and(|capability| !capability.is_null())
    }

    /// Its tools, the raw JSON of each.
    pub async fn tools(&self) -> Result<Vec<Value>, CallError> {
        let make = |page| ClientRequest::ListToolsRequest(ListToolsRequest::with_param(page));
        self.list("tools", "name", make).await
    }

    /// Its resources, the raw JSON of each.
    pub async fn resources(&self) -> Result<Vec<Value>, CallError> {
        let make =
            |page| ClientRequest::ListResourcesRequest(ListResourcesRequest::with_param(page));
        self.list("resources", "uri", make).await
    }

    /// Its templates of resources, the raw JSON of each.
    pub async fn templates(&self) -> Result<Vec<Value>, CallError> {
        let make = |page| {
            let request = ListResourceTemplatesRequest::with_param(page);
            ClientRequest::ListResourceTemplatesRequest(request)
        };
        self.list("resourceTemplates", "uriTemplate", make).await
    }

    /// Its prompts, the raw JSON of each.
    pub async fn prompts(&self) -> Result<Vec<Value>, CallError> {
        let make = |page| ClientRequest::ListPromptsRequest(ListPromptsRequest::with_param(page));
        self.list("prompts", "name", make).await
    }

    /// All pages of a list, whose entries are objects with this text in them.
    async fn list(
        &self,
        list: &str,
        named_by: &str,
        make: impl Fn(PaginatedRequestParams) -> ClientRequest,
    ) -> Result<Vec<Value>, CallError> {
        self.inner.link.listed();
        let mut found = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let page = PaginatedRequestParams::default().with_cursor(cursor.clone());
            let mut page = self.inner.ask(make(page), &|_| {}).await?;
            let Value::Array(entries) = page[list].take() else {
                return Err(CallError::Invalid(format!("it holds no list of {list}")));
            };
            found.extend(
                entries
                    .into_iter()
                    .filter(|entry| entry[named_by].is_string()),
            );
            found.truncate(ENTRIES);
            let next = page["nextCursor"].as_str().map(str::to_string);
            // A cursor that stays the same would never end.
            if next.is_none() || next == cursor || found.len() == ENTRIES {
                break;
            }
            cursor = next;
        }
        Ok(found)
    }

    /// Calls a tool: the raw `CallToolResult`. `progress` hears words such as `3 of 5: indexing`. Dropped, the call is
    /// cancelled at the server too.
    pub async fn call(
        &self,
        tool: &str,
        args: Map<String, Value>,
        progress: Progress<'_>,
    ) -> Result<Value, CallError> {
        let make = |round: Round| {
            let mut params =
                CallToolRequestParams::new(tool.to_string()).with_arguments(args.clone());
            params.input_responses = round.answers;
            params.request_state = round.state;
            ClientRequest::CallToolRequest(CallToolRequest::new(params))
        };
        let mut result = self.inner.ask_in_rounds(&make, progress).await;
        // HTTP of the new era: headers repeat some arguments, and the list of tools says which. It may not have been read.
        if matches!(
            result,
            Err(CallError::Refused {
                code: HEADER_MISMATCH,
                ..
            })
        ) {
            self.tools().await?;
            result = self.inner.ask_in_rounds(&make, progress).await;
        }
        let result = result?;
        let content = &result["content"];
        let is_result =
            content.is_array() || content.is_null() && result.get("structuredContent").is_some();
        expect(is_result, result, "content")
    }

    /// Reads a resource: the raw `ReadResourceResult`.
    pub async fn read(&self, uri: &str) -> Result<Value, CallError> {
        let make = |round: Round| {
            let mut params = ReadResourceRequestParams::new(uri);
            params.input_responses = round.answers;
            params.request_state = round.state;
            ClientRequest::ReadResourceRequest(ReadResourceRequest::new(params))
        };
        let result = self.inner.ask_in_rounds(make, &|_| {}).await?;
        expect(result["contents"].is_array(), result, "contents")
    }

    /// Fills in a prompt: the raw `GetPromptResult`.
    pub async fn prompt(&self, name: &str, args: Map<String, Value>) -> Result<Value, CallError> {
        let make = |round: Round| {
            let mut params = GetPromptRequestParams::new(name).with_arguments(args.clone());
            params.input_responses = round.answers;
            params.request_state = round.state;
            ClientRequest::GetPromptRequest(GetPromptRequest::new(params))
        };
        let result = self.inner.ask_in_rounds(make, &|_| {}).await?;
        expect(result["messages"].is_array(), result, "messages")
    }

    /// How an argument of a prompt may go on; nothing if the server does not know.
    pub async fn complete_prompt(&self, name: &str, argument: &str, begun: &str) -> Vec<String> {
        let params = json!({
            "ref": {"type": "ref/prompt", "name": name},
            "argument": {"name": argument, "value": begun},
        });
        let (Ok(reference), Ok(argument)) = (
            serde_json::from_value::<Reference>(params["ref"].clone()),
            serde_json::from_value::<ArgumentInfo>(params["argument"].clone()),
        ) else {
            return Vec::new();
        };
        let params = CompleteRequestParams::new(reference, argument);
        let request = ClientRequest::CompleteRequest(CompleteRequest::new(params));
        let Ok(result) = self.inner.ask(request, &|_| {}).await else {
            return Vec::new();
        };
        let values = result["completion"]["values"].as_array();
        let values = values.into_iter().flatten().filter_map(Value::as_str);
        values.map(str::to_string).collect()
    }

    pub fn is_closed(&self) -> bool {
        self.inner.link.is_closed()
    }

    /// The last 64 KB that a server which is a process wrote to its standard error; lossy.
    pub fn errors(&self) -> String {
        match &self.inner.end {
            End::Process(process) => process.errors(),
            End::Place(_) => String::new(),
        }
    }

    /// After a call that had no answer, or whose answer nobody wanted any more: a process that answers nothing else either hangs,
    /// and would cost each later call its whole time. It is ended, which is told as if it had died. What is reached by URL is
    /// somebody else's to end.
    pub(crate) async fn end_if_it_hangs(self) {
        let End::Process(process) = &self.inner.end else {
            return;
        };
        let request = match self.inner.facts.is_modern {
            true => "server/discover",
            false => "ping",
        };
        let request = ClientRequest::CustomRequest(CustomRequest::new(request, None));
        let patience = SIGN_OF_LIFE.min(self.inner.limit);
        let asked = tokio::time::timeout(patience, self.inner.ask(request, &|_| {})).await;
        if matches!(asked, Err(_) | Ok(Err(CallError::TimedOut { .. }))) {
            let why = "it did not answer any more, and was ended";
            self.inner.link.close(why.to_string());
            process.end().await;
        }
    }

    /// Ends it: a process has its input closed, and is told by SIGTERM after 1 s and killed after 2 s.
    pub async fn close(&self) {
        self.inner.link.closing();
        // Calls and questions that are under way end now.
        self.inner
            .link
            .close("the connection was closed".to_string());
        let service = self.inner.service.lock().take();
        if let Some(mut service) = service {
            let _ = service.close_with_timeout(Duration::from_secs(2)).await;
        }
        if let End::Process(process) = &self.inner.end {
            process.end().await;
        }
    }
}

/// What is left of a process ends in the background; nobody waits.
impl Drop for Inner {
    fn drop(&mut self) {
        self.link.closing();
        if let (End::Process(process), Ok(runtime)) =
            (&self.end, tokio::runtime::Handle::try_current())
        {
            let process = process.clone();
            runtime.spawn(async move { process.end().await });
        }
    }
}

fn expect(holds: bool, result: Value, key: &str) -> Result<Value, CallError> {
    match holds {
        true => Ok(result),
        false => Err(CallError::Invalid(format!("it holds no list of {key}"))),
    }
}
