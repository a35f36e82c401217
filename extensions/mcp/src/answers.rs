//! What a server asks of us: roots, input from the user, words from the model.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use rmcp::RoleClient;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientResult, CustomResult, ErrorCode, ErrorData,
    Implementation, ProtocolVersion, ServerNotification, ServerRequest,
};
use rmcp::service::{NotificationContext, RequestContext, Service};
use serde_json::{Value, json};

use crate::client::Client;
use crate::link::Link;
use crate::transport::parts;

/// What we say of ourselves. Only what the client does is declared; a server may not ask for more.
pub fn config(client: &dyn Client, is_modern: bool) -> ClientConfig {
    let mut capabilities = json!({"roots": {}});
    if !is_modern {
        capabilities["roots"]["listChanged"] = json!(true);
    }
    if client.elicits() {
        capabilities["elicitation"] = json!({"form": {}, "url": {}});
    }
    if client.samples() {
        capabilities["sampling"] = json!({});
    }
    let capabilities: ClientCapabilities = serde_json::from_value(capabilities).unwrap_or_default();
    let version = match is_modern {
        true => ProtocolVersion::V_2026_07_28,
        false => ProtocolVersion::LATEST_WITH_INITIALIZE,
    };
    let name = Implementation::new("corecoder", env!("CARGO_PKG_VERSION"));
    ClientConfig::new(capabilities, name).with_protocol_version(version)
}

/// The answers, as the SDK wants them.
pub struct Answers {
    pub link: Arc<Link>,
    pub is_modern: bool,
}

impl Service<RoleClient> for Answers {
    async fn handle_request(
        &self,
        request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        let (method, params) = match request {
            ServerRequest::CustomRequest(request) => {
                (request.method, request.params.unwrap_or_default())
            }
            other => parts(&other),
        };
        let answer = tokio::select! {
            answer = self.link.answer(&method, params) => answer?,
            () = context.ct.cancelled() => return Err(refused("it was cancelled")),
            why = self.link.closed() => return Err(refused(&why)),
        };
        Ok(ClientResult::CustomResult(CustomResult(answer)))
    }

    /// They end at the gate.
    async fn handle_notification(
        &self,
        _: ServerNotification,
        _: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        config(&*self.link.client, self.is_modern)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS)
    }
}

/// "The user rejected it" is -1 in the specification's examples.
fn refused(why: &str) -> ErrorData {
    ErrorData::new(ErrorCode(-1), why.to_string(), None)
}

impl Link {
    /// The answer to a request of the server's.
    pub async fn answer(self: &Arc<Link>, method: &str, params: Value) -> Result<Value, ErrorData> {
        let client = &self.client;
        let answer = async {
            match method {
                "ping" => Ok(json!({})),
                "roots/list" => Ok(roots(&client.roots())),
                "elicitation/create" if client.elicits() => {
                    let _asking = self.ask();
                    Ok(client.elicit(&self.server, params).await)
                }
                "sampling/createMessage" if client.samples() => {
                    let _asking = self.ask();
                    let answer = client.sample(&self.server, params).await;
                    answer.map_err(|why| refused(&why))
                }
                _ => {
                    let words = format!("{method} is not offered");
                    Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, words, None))
                }
            }
        };
        let answer = AssertUnwindSafe(answer).catch_unwind().await;
        answer.unwrap_or_else(|_| Err(ErrorData::internal_error("the client failed", None)))
    }
}

fn roots(folders: &[impl AsRef<Path>]) -> Value {
    let roots = folders.iter().filter_map(|folder| {
        let folder = folder.as_ref();
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let uri = reqwest::Url::from_file_path(folder).ok()?;
        Some(json!({"uri": uri.as_str(), "name": name.to_string_lossy()}))
    });
    json!({"roots": roots.collect::<Vec<_>>()})
}
