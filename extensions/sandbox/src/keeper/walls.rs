//! What both kinds of walls have in common: no privileges, no traces, and what may be used up.

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_capabilities_secure_bits, set_no_new_privs,
};

use crate::policy::Limits;

/// Gives up every privilege, for good: root is then a user like any other, and stays one through exec.
pub fn drop_privileges() -> Result<(), Errno> {
    set_no_new_privs(true)?;
    let own = capabilities(None)?;
    let may_set = own.effective.contains(CapabilitySet::SETPCAP);
    if may_set {
        for capability in CapabilitySet::all().iter() {
            // The kernel may know fewer than the library.
            let _ = remove_capability_from_bounding_set(capability);
        }
        let bits = CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED;
        set_capabilities_secure_bits(bits)?;
    }
    let _ = clear_ambient_capability_set();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Sets what one process may use up; what it starts inherits that.
pub fn limit(limits: &Limits) -> Result<(), Errno> {
    leave_no_core()?;
    at_most(Resource::Fsize, limits.file_size)?;
    at_most(Resource::Nofile, limits.open_files)
}

/// No dump of memory where a process crashes: it would lie in the work.
pub fn leave_no_core() -> Result<(), Errno> {
    at_most(Resource::Core, 0)
}

fn at_most(resource: Resource, most: u64) -> Result<(), Errno> {
    let now = getrlimit(resource);
    let lower = |now: Option<u64>| Some(now.map_or(most, |now| now.min(most)));
    let limit = Rlimit {
        current: lower(now.current),
        maximum: lower(now.maximum),
    };
    setrlimit(resource, limit)
}
