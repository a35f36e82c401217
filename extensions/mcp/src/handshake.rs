//! Which era a server is of, and what it says of itself.
//!
//! A server is asked in the new way (`server/discover`), and where that is refused, or takes too long, in the old way too
//! (`initialize`); the first answer that fits decides. The SDK's own probing waits a fixed 10 s and takes anything but the
//! expected answer for fatal, which the servers of the conformance suite and slow ones of the Python SDK give.

use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{
    ClientConfig, ClientJsonRpcMessage, ClientNotification, ClientRequest, ClientResult,
    CustomResult, DiscoverRequest, DiscoverRequestParams, ErrorCode, ErrorData, InitializeRequest,
    ProtocolVersion, RequestId, RequestMetaObject, ServerJsonRpcMessage, ServerPeerInfo,
    ServerRequest, ServerResult,
};
use rmcp::transport::Transport;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::answers::config;
use crate::client::Client;
use crate::errors::start_of;
use crate::transport::INVALID;

const MODERN: ProtocolVersion = ProtocolVersion::V_2026_07_28;
/// The SDK counts from 0.
const DISCOVER: RequestId = RequestId::Number(900_000_001);
const INITIALIZE: RequestId = RequestId::Number(900_000_002);

/// How to speak to a server at first.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// In the new way; after so long in the old way too.
    Probe(Duration),
    /// In the new way only.
    Modern,
    /// In the old way only, in this revision or an earlier one.
    Legacy(String),
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub revision: String,
    pub is_modern: bool,
    pub capabilities: Map<String, Value>,
    pub info: Value,
    pub instructions: Option<String>,
}

/// Why there is no agreement.
#[derive(Debug)]
pub enum Fail<E> {
    Send(E),
    /// It went away.
    Closed,
    Refused(String),
}

impl Facts {
    /// From the answer to `server/discover`.
    fn modern(answer: &Value) -> Facts {
        let info = &answer["_meta"]["io.modelcontextprotocol/serverInfo"];
        let info = [info, &answer["serverInfo"]];
        let info = info.into_iter().find(|info| info.is_object());
        Facts::new(MODERN.as_str(), true, answer, info.unwrap_or(&Value::Null))
    }

    /// From the answer to `initialize`.
    fn legacy(revision: &str, answer: &Value) -> Facts {
        Facts::new(revision, false, answer, &answer["serverInfo"])
    }

    fn new(revision: &str, is_modern: bool, answer: &Value, info: &Value) -> Facts {
        let capabilities = answer["capabilities"].as_object();
        let instructions = answer["instructions"].as_str();
        Facts {
            revision: revision.to_string(),
            is_modern,
            capabilities: capabilities.cloned().unwrap_or_default(),
            info: info.clone(),
            instructions: instructions.map(str::to_string),
        }
    }

    /// For the SDK, which only looks at the revision.
    pub fn peer(&self) -> ServerPeerInfo {
        ServerPeerInfo::new(version(&self.revision), Default::default())
    }
}

/// A revision's name as the SDK has it.
fn version(revision: &str) -> ProtocolVersion {
    serde_json::from_value(json!(revision)).unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE)
}

/// A server that is being asked.
pub struct Handshake<'a, T> {
    transport: &'a mut T,
    client: &'a dyn Client,
    way: Way,
    asked_old: bool,
    may_repeat: bool,
}

/// What came.
enum Answer {
    Is(Facts),
    /// Ask in the old way.
    AskOld,
    /// Ask in the new way once more.
    Repeat,
    Ignored,
}

impl<'a, T: Transport<RoleClient>> Handshake<'a, T> {
    pub fn new(transport: &'a mut T, client: &'a dyn Client, way: Way) -> Handshake<'a, T> {
        Handshake {
            transport,
            client,
            way,
            asked_old: false,
            may_repeat: true,
        }
    }

    /// Asks until it is known. The caller limits the time.
    pub async fn shake(mut self) -> Result<Facts, Fail<T::Error>> {
        match self.way {
            Way::Legacy(_) => self.ask_old().await?,
            _ => self.discover().await?,
        }
        let patience = match self.way {
            Way::Probe(patience) => Some(patience),
            _ => None,
        };
        let mut old_at = patience.and_then(|patience| Instant::now().checked_add(patience));
        loop {
            let waits = old_at.filter(|_| !self.asked_old);
            let message = match waits {
                Some(at) => tokio::time::timeout_at(at, self.transport.receive()).await,
                None => Ok(self.transport.receive().await),
            };
            let Ok(message) = message else {
                self.ask_old().await?;
                continue;
            };
            match self.take(message.ok_or(Fail::Closed)?).await? {
                Answer::Is(facts) => return self.agree(facts).await,
                Answer::AskOld if self.asked_old => {}
                Answer::AskOld => self.ask_old().await?,
                Answer::Repeat => {
                    self.discover().await?;
                    old_at = patience.and_then(|patience| Instant::now().checked_add(patience));
                }
                Answer::Ignored => {}
            }
        }
    }

    async fn send(&mut self, message: ClientJsonRpcMessage) -> Result<(), Fail<T::Error>> {
        self.transport.send(message).await.map_err(Fail::Send)
    }

    async fn discover(&mut self) -> Result<(), Fail<T::Error>> {
        let me = config(self.client, true);
        let mut request = DiscoverRequest::new(DiscoverRequestParams {});
        let meta = RequestMetaObject::with_client_context(MODERN, me.client_info, me.capabilities);
        request.extensions.insert(meta);
        let request = ClientRequest::DiscoverRequest(request);
        self.send(ClientJsonRpcMessage::request(request, DISCOVER))
            .await
    }

    async fn ask_old(&mut self) -> Result<(), Fail<T::Error>> {
        self.asked_old = true;
        let me: ClientConfig = match &self.way {
            Way::Legacy(revision) => {
                config(self.client, false).with_protocol_version(version(revision))
            }
            _ => config(self.client, false),
        };
        let request = ClientRequest::InitializeRequest(InitializeRequest::new(me));
        self.send(ClientJsonRpcMessage::request(request, INITIALIZE))
            .await
    }

    async fn take(&mut self, message: ServerJsonRpcMessage) -> Result<Answer, Fail<T::Error>> {
        match message {
            ServerJsonRpcMessage::Response(response) => {
                let answer = raw(response.result);
                match response.id == INITIALIZE {
                    true => self.initialized(&answer),
                    false => self.discovered(&answer),
                }
            }
            ServerJsonRpcMessage::Error(refusal) => match refusal.id {
                Some(INITIALIZE) => self.not_initialized(refusal.error),
                _ => self.not_discovered(refusal.error),
            },
            ServerJsonRpcMessage::Request(request) => {
                let answer = match request.request {
                    ServerRequest::PingRequest(_) => ClientJsonRpcMessage::response(
                        ClientResult::CustomResult(CustomResult(json!({}))),
                        request.id,
                    ),
                    _ => ClientJsonRpcMessage::error(
                        ErrorData::invalid_request("not before the handshake is done", None),
                        Some(request.id),
                    ),
                };
                self.send(answer).await.map(|()| Answer::Ignored)
            }
            ServerJsonRpcMessage::Notification(_) => Ok(Answer::Ignored),
        }
    }

    fn discovered(&self, answer: &Value) -> Result<Answer, Fail<T::Error>> {
        // An old server may answer an unknown request with anything.
        let Some(versions) = answer["supportedVersions"].as_array() else {
            return self.old_or(format!(
                "its answer to server/discover is not valid: {}",
                start_of(&answer.to_string(), 200)
            ));
        };
        if versions.iter().any(|version| version == MODERN.as_str()) {
            return Ok(Answer::Is(Facts::modern(answer)));
        }
        let versions: Vec<&str> = versions.iter().filter_map(Value::as_str).collect();
        let words = format!("the server speaks {} only", versions.join(", "));
        match versions.iter().any(|revision| *revision < MODERN.as_str()) {
            true => self.old_or(words),
            false => Err(Fail::Refused(words)),
        }
    }

    /// The old way is next, where it may be gone.
    fn old_or(&self, words: String) -> Result<Answer, Fail<T::Error>> {
        match self.way {
            Way::Modern => Err(Fail::Refused(words)),
            _ => Ok(Answer::AskOld),
        }
    }

    fn not_discovered(&mut self, error: ErrorData) -> Result<Answer, Fail<T::Error>> {
        let supported = error
            .data
            .as_ref()
            .and_then(|data| data["supported"].as_array());
        let speaks_modern =
            supported.is_some_and(|list| list.iter().any(|version| version == MODERN.as_str()));
        if error.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
            && speaks_modern
            && std::mem::take(&mut self.may_repeat)
        {
            return Ok(Answer::Repeat);
        }
        let words = format!("the server refused: {}", error.message);
        match error.code {
            // Only a server of the new era has these.
            ErrorCode::HEADER_MISMATCH | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY => {
                Err(Fail::Refused(words))
            }
            _ => self.old_or(words),
        }
    }

    fn initialized(&self, answer: &Value) -> Result<Answer, Fail<T::Error>> {
        let Some(revision) = answer["protocolVersion"].as_str() else {
            let start = answer.to_string();
            let start = start_of(&start, 200);
            let words = format!("the server's answer to initialize is not valid: {start}");
            return Err(Fail::Refused(words));
        };
        if revision >= MODERN.as_str() {
            let words = format!("the server wants to speak {revision}, which has no initialize");
            return Err(Fail::Refused(words));
        }
        Ok(Answer::Is(Facts::legacy(revision, answer)))
    }

    fn not_initialized(&mut self, error: ErrorData) -> Result<Answer, Fail<T::Error>> {
        let is_probing = matches!(self.way, Way::Probe(_));
        // A slow server of the new era: it has read the first question meanwhile. Asked once more, it answers surely.
        if is_probing && error.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION {
            return Ok(match std::mem::take(&mut self.may_repeat) {
                true => Answer::Repeat,
                false => Answer::Ignored,
            });
        }
        let what = match error.code.0 {
            INVALID => "gave an answer to initialize that is not valid",
            _ => "refused",
        };
        Err(Fail::Refused(format!(
            "the server {what}: {}",
            error.message
        )))
    }

    /// In the old way the server is told that it is agreed.
    async fn agree(mut self, facts: Facts) -> Result<Facts, Fail<T::Error>> {
        if !facts.is_modern {
            let told = ClientNotification::InitializedNotification(Default::default());
            self.send(ClientJsonRpcMessage::notification(told)).await?;
        }
        Ok(facts)
    }
}

/// A result as it came, or as the SDK has read it.
pub fn raw(result: ServerResult) -> Value {
    match result {
        ServerResult::CustomResult(CustomResult(value)) => value,
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
