//! The tools of an agent, which may grow while it works: a server that was slow to start brings its own late.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::tools::Tool;

/// Tools in the order of their names, so that a request's prefix is the same each time; a clone is the same set.
#[derive(Clone, Default)]
pub struct Toolset(Arc<RwLock<Sets>>);

#[derive(Default)]
struct Sets {
    told: Named,
    untold: Named,
}

/// By name, for to ask a tool for it is to ask for its whole schema.
type Named = BTreeMap<String, Arc<dyn Tool>>;

impl Toolset {
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Toolset {
        let toolset = Toolset::default();
        tools.into_iter().for_each(|tool| toolset.add(tool));
        toolset
    }

    /// Has this tool from now on, in place of one of the same name. The model is told of it at the tail, and it is part of
    /// the prefix after the next compaction.
    pub fn add(&self, tool: Arc<dyn Tool>) {
        self.0.write().told.insert(tool.spec().name, tool);
    }

    /// Has this tool too, but the model is not told of it: it knows it from elsewhere, such as a search for tools.
    pub fn add_untold(&self, tool: Arc<dyn Tool>) {
        self.0.write().untold.insert(tool.spec().name, tool);
    }

    /// Takes a tool away. What was told of it is not taken back, so a call of it is answered with what there is.
    pub fn remove(&self, name: &str) {
        let mut sets = self.0.write();
        sets.told.remove(name);
        sets.untold.remove(name);
    }

    /// The tool of this name, told of or not.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let sets = self.0.read();
        sets.told.get(name).or(sets.untold.get(name)).cloned()
    }

    /// Those that the model is told of.
    pub fn list(&self) -> Vec<Arc<dyn Tool>> {
        self.0.read().told.values().cloned().collect()
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.0.read().told.keys().cloned().collect()
    }

    /// A set of its own with the same tools but this one.
    pub(crate) fn without(&self, name: &str) -> Toolset {
        let sets = self.0.read();
        let (told, untold) = (sets.told.clone(), sets.untold.clone());
        let own = Toolset(Arc::new(RwLock::new(Sets { told, untold })));
        own.remove(name);
        own
    }
}
