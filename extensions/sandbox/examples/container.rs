//! Runs a program as in a plain container: `container PROGRAM [ARGS...]`.
//!
//! What container engines refuse by default to whoever has no special capability, so far as it matters to a sandbox: no namespaces,
//! no mounts, and no descriptors out of other processes. Written after the default seccomp profile of Moby.

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::collections::BTreeMap;
    use std::os::unix::process::CommandExt;

    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    let refused = [
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_mount_setattr,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_process_madvise,
        libc::SYS_clone3,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        refused.iter().map(|call| (*call, Vec::new())).collect();
    for bit in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
    ] {
        let bit = bit as u64;
        let is_set =
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bit), bit)?;
        rules
            .entry(libc::SYS_clone)
            .or_default()
            .push(SeccompRule::new(vec![is_set])?);
    }
    let arch = std::env::consts::ARCH.try_into()?;
    let refuse = |number: i32| SeccompAction::Errno(number as u32);
    // clone3 hides its flags, so engines say that it does not exist.
    let missing = BTreeMap::from([(
        libc::SYS_clone3,
        rules.remove(&libc::SYS_clone3).unwrap_or_default(),
    )]);
    for (rules, number) in [(rules, libc::EPERM), (missing, libc::ENOSYS)] {
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse(number), arch)?;
        let program: seccompiler::BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)?;
    }
    let mut args = std::env::args_os().skip(1);
    let program = args.next().ok_or("container PROGRAM [ARGS...]")?;
    Err(std::process::Command::new(program).args(args).exec().into())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("containers of this kind are Linux's");
}
