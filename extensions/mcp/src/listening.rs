//! How changes of lists are heard of in the new era: by a request that stays open, `subscriptions/listen`.
//!
//! What it brings ends at the gate like every notification. When it breaks off it is made again. What was listed before
//! the server began to tell may have changed unheard, so it counts as changed: [`Link::told`].

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{
    ClientRequest, SubscriptionFilter, SubscriptionsListenRequest, SubscriptionsListenRequestParams,
};
use rmcp::service::{Peer, PeerRequestOptions, ServiceError};
use tokio::time::Instant;

use crate::client::News;
use crate::handshake::Facts;
use crate::link::Link;

/// The pause before it is asked again; doubled each time, up to the other.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Listens as long as the connection lasts, to what the server says it tells.
pub async fn listen(peer: Peer<RoleClient>, link: Arc<Link>, facts: Facts) {
    let news = announced(&facts);
    if !facts.is_modern || news.is_empty() {
        return;
    }
    let mut pause = PAUSE;
    loop {
        let began = Instant::now();
        tokio::select! {
            heard = once(&peer, filter(&news)) => match heard {
                // There is no such thing here.
                Err(ServiceError::McpError(_)) => return,
                _ if link.is_closed() => return,
                _ => {}
            },
            _ = link.closed() => return,
        }
        if began.elapsed() > LONGEST_PAUSE {
            pause = PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn once(peer: &Peer<RoleClient>, filter: SubscriptionFilter) -> Result<(), ServiceError> {
    let params = SubscriptionsListenRequestParams::new(filter);
    let request = SubscriptionsListenRequest::new(params);
    let request = ClientRequest::SubscriptionsListenRequest(request);
    let options = PeerRequestOptions::no_options();
    let handle = peer.send_cancellable_request(request, options).await?;
    handle.await_response().await.map(drop)
}

/// The lists whose changes the server tells.
fn announced(facts: &Facts) -> Vec<News> {
    let lists = [
        ("tools", News::ToolsChanged),
        ("resources", News::ResourcesChanged),
        ("prompts", News::PromptsChanged),
    ];
    let tells = |list: &str| {
        let capability = facts.capabilities.get(list);
        capability.is_some_and(|capability| capability["listChanged"] == true)
    };
    let announced = lists.into_iter().filter(|(list, _)| tells(list));
    announced.map(|(_, news)| news).collect()
}

fn filter(news: &[News]) -> SubscriptionFilter {
    let mut filter = SubscriptionFilter::new();
    filter.tools_list_changed = news.contains(&News::ToolsChanged).then_some(true);
    filter.resources_list_changed = news.contains(&News::ResourcesChanged).then_some(true);
    filter.prompts_list_changed = news.contains(&News::PromptsChanged).then_some(true);
    filter
}
