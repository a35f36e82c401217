//! Where a call would take place: the working folder of the agent that asks for it, as the rules need to know it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Effect, Kit, Spec, Tool, ToolCall};
use parking_lot::Mutex;
use serde_json::Value;

/// The folders of calls that were just asked for; a clone is the same.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<String, PathBuf>>>);

impl Places {
    /// The same tools, which note where they are asked to work.
    pub fn follow(&self, tools: &[Arc<dyn Tool>]) -> Vec<Arc<dyn Tool>> {
        let follow = |tool: &Arc<dyn Tool>| -> Arc<dyn Tool> {
            Arc::new(Placed {
                tool: tool.clone(),
                places: self.clone(),
            })
        };
        tools.iter().map(follow).collect()
    }

    /// The folder of the call that was admitted last; the engine asks for approval right behind it.
    pub fn of(&self, call: &ToolCall) -> Option<PathBuf> {
        self.0.lock().get(&call.name).cloned()
    }
}

struct Placed {
    tool: Arc<dyn Tool>,
    places: Places,
}

#[async_trait]
impl Tool for Placed {
    fn spec(&self) -> Spec {
        self.tool.spec()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let name = self.tool.spec().name;
        self.places.0.lock().insert(name, kit.files.cwd());
        self.tool.effect(args, kit)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        self.tool.call(args, kit).await
    }
}
