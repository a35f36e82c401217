//! The tools of an agent, which may grow while it works: a server that was slow to start brings its own late.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::tools::Tool;

/// Tools in the order of their names, so that a request's prefix is the same each time; a clone is the same set.
#[derive(Clone, Default)]
pub struct Toolset(Arc<RwLock<Sets>>);

#[derive(Default)]
struct Sets {
    told: Vec<Arc<dyn Tool>>,
    untold: Vec<Arc<dyn Tool>>,
}

impl Toolset {
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Toolset {
        let toolset = Toolset::default();
        tools.into_iter().for_each(|tool| toolset.add(tool));
        toolset
    }

    /// Has this tool from now on, in place of one of the same name. The model is told of it at the tail, and it is part of
    /// the prefix after the next compaction.
    pub fn add(&self, tool: Arc<dyn Tool>) {
        put(&mut self.0.write().told, tool);
    }

    /// Has this tool too, but the model is not told of it: it knows it from elsewhere, such as a search for tools.
    pub fn add_untold(&self, tool: Arc<dyn Tool>) {
        put(&mut self.0.write().untold, tool);
    }

    /// Takes a tool away. What was told of it is not taken back, so a call of it is answered with what there is.
    pub fn remove(&self, name: &str) {
        let mut sets = self.0.write();
        sets.told.retain(|tool| tool.spec().name != name);
        sets.untold.retain(|tool| tool.spec().name != name);
    }

    /// The tool of this name, told of or not.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let sets = self.0.read();
        let mut all = sets.told.iter().chain(&sets.untold);
        all.find(|tool| tool.spec().name == name).cloned()
    }

    /// Those that the model is told of.
    pub fn list(&self) -> Vec<Arc<dyn Tool>> {
        self.0.read().told.clone()
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

fn put(tools: &mut Vec<Arc<dyn Tool>>, tool: Arc<dyn Tool>) {
    let name = tool.spec().name;
    match tools.binary_search_by(|other| other.spec().name.cmp(&name)) {
        Ok(at) => tools[at] = tool,
        Err(at) => tools.insert(at, tool),
    }
}
