//! The seccomp filters: what no command needs is refused outright, what changes something by name is held up for the keeper.
//!
//! A filter sees a call's number and registers, never what they point at; so calls that hide what matters behind a pointer and
//! have an older form are said not to exist (clone3, openat2), and everybody falls back to that form.

use std::collections::BTreeMap;

use libc::*;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is held up, which depends on the other walls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held {
    /// Opening folders for reading, since a wall is too coarse for some.
    pub folders: bool,
    /// Opening anything at all.
    pub reads: bool,
    /// Signals, since no wall keeps them in.
    pub signals: bool,
    /// System V's shared memory and POSIX' message queues, since there is no namespace for them.
    pub memory: bool,
    /// Sockets for the internet and what is done with them, since there is no namespace for them.
    pub internet: bool,
}

/// Refused with "operation not permitted".
const REFUSED: &[i64] = &[
    // Looking into other processes.
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_process_madvise,
    // Mounts and other worlds.
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    // Keys.
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    // The kernel's own machinery.
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_syslog,
    SYS_vhangup,
    SYS_open_by_handle_at,
    SYS_fanotify_init,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
];

/// Said not to exist.
const MISSING: &[i64] = &[
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_clone3,
    SYS_openat2,
    // Newer than the C library's names for them: setxattrat, removexattrat, open_tree_attr, file_setattr.
    463,
    466,
    467,
    469,
];

/// Without a namespace for them they would be everybody's, and outlive the command.
const SHARED_MEMORY: &[i64] = &[
    SYS_shmget,
    SYS_shmat,
    SYS_shmctl,
    SYS_semget,
    SYS_semop,
    SYS_semtimedop,
    SYS_semctl,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_msgctl,
    SYS_mq_open,
    SYS_mq_unlink,
];

/// Done to the process whose number stands in this argument; 0 is the caller.
const TOUCHING: &[(i64, u8)] = &[
    (SYS_setpriority, 1),
    (SYS_ioprio_set, 1),
    (SYS_sched_setaffinity, 0),
    (SYS_sched_setscheduler, 0),
    (SYS_sched_setparam, 0),
    (SYS_sched_setattr, 0),
    (SYS_migrate_pages, 0),
    (SYS_move_pages, 0),
];

/// setpriority(2), ioprio_set(2).
pub const PRIO_USER: i32 = 2;
pub const IOPRIO_WHO_USER: i32 = 3;

#[cfg(target_arch = "x86_64")]
const REFUSED_OLD: &[i64] = &[
    SYS_iopl,
    SYS_ioperm,
    SYS_uselib,
    SYS_kexec_file_load,
    SYS_modify_ldt,
];
#[cfg(target_arch = "x86_64")]
const MISSING_OLD: &[i64] = &[SYS_utime, SYS_utimes, SYS_futimesat];
#[cfg(target_arch = "x86_64")]
const HELD_OLD: &[i64] = &[
    SYS_creat,
    SYS_mkdir,
    SYS_rmdir,
    SYS_unlink,
    SYS_rename,
    SYS_link,
    SYS_symlink,
    SYS_mknod,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_fork,
    SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLD: &[i64] = &[];
#[cfg(not(target_arch = "x86_64"))]
const MISSING_OLD: &[i64] = &[];
#[cfg(not(target_arch = "x86_64"))]
const HELD_OLD: &[i64] = &[];

/// Held up, whatever the arguments.
const HELD: &[i64] = &[
    SYS_mkdirat,
    SYS_unlinkat,
    SYS_renameat,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_mknodat,
    SYS_truncate,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    SYS_connect,
    SYS_bind,
    SYS_clone,
];

const SIGNALS: &[i64] = &[
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_pidfd_send_signal,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
];

/// ioctl(2): putting keys into a terminal; and attributes, versions and subvolumes that an owner may change through any
/// descriptor, one for reading too.
const REFUSED_IOCTLS: &[u64] = &[
    TIOCSTI,
    0x541C,      // TIOCLINUX
    0x4008_6602, // FS_IOC_SETFLAGS
    0x401C_5820, // FS_IOC_FSSETXATTR
    0x4008_7602, // FS_IOC_SETVERSION
    0x4008_6604, // EXT4_IOC_SETVERSION_OLD
    0x4080_6685, // FS_IOC_ENABLE_VERITY
    0x800C_6613, // FS_IOC_SET_ENCRYPTION_POLICY
    0xC040_6618, // FS_IOC_REMOVE_ENCRYPTION_KEY
    0xC040_6619, // FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS
    0x0000_6609, // EXT4_IOC_MIGRATE
    0x4004_7211, // FAT_IOCTL_SET_ATTRIBUTES
    0x4008_941A, // BTRFS_IOC_SUBVOL_SETFLAGS
    0xC0C8_9425, // BTRFS_IOC_SET_RECEIVED_SUBVOL
    0x5000_9401, // BTRFS_IOC_SNAP_CREATE
    0x5000_940E, // BTRFS_IOC_SUBVOL_CREATE
    0x5000_940F, // BTRFS_IOC_SNAP_DESTROY
    0x5000_9417, // BTRFS_IOC_SNAP_CREATE_V2
    0x5000_9418, // BTRFS_IOC_SUBVOL_CREATE_V2
    0x5000_943F, // BTRFS_IOC_SNAP_DESTROY_V2
];

/// TCP_MD5SIG, TCP_MD5SIG_EXT, TCP_AO_ADD_KEY, TCP_AO_DEL_KEY, TCP_AO_INFO: linux/tcp.h.
const SIGNING: &[u64] = &[14, 32, 38, 39, 40];

/// Options by which a packet goes by way of another machine, or carries what that one reads: ip(7) and ipv6(7), or linux/in6.h.
const WAYS: &[(i32, i32)] = &[
    (IPPROTO_IP, IP_OPTIONS),
    (IPPROTO_IPV6, 3),  // IPV6_2292HOPOPTS
    (IPPROTO_IPV6, 4),  // IPV6_2292DSTOPTS
    (IPPROTO_IPV6, 5),  // IPV6_2292RTHDR
    (IPPROTO_IPV6, 6),  // IPV6_2292PKTOPTIONS
    (IPPROTO_IPV6, 54), // IPV6_HOPOPTS
    (IPPROTO_IPV6, 55), // IPV6_RTHDRDSTOPTS
    (IPPROTO_IPV6, 57), // IPV6_RTHDR
    (IPPROTO_IPV6, 59), // IPV6_DSTOPTS
];

const NEW_NAMESPACES: i32 = CLONE_NEWUSER
    | CLONE_NEWNS
    | CLONE_NEWPID
    | CLONE_NEWNET
    | CLONE_NEWIPC
    | CLONE_NEWUTS
    | CLONE_NEWCGROUP;

fn has(argument: u8, bits: u64) -> Result<SeccompCondition, Failure> {
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(bits),
        bits,
    )?)
}

fn is(argument: u8, value: u64) -> Result<SeccompCondition, Failure> {
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        value,
    )?)
}

fn is_not(argument: u8, value: u64) -> Result<SeccompCondition, Failure> {
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        value,
    )?)
}

fn always(calls: &[i64]) -> impl Iterator<Item = (i64, Vec<SeccompRule>)> {
    calls.iter().map(|call| (*call, Vec::new()))
}

fn when(rules: &mut Rules, call: i64, conditions: Vec<SeccompCondition>) -> Result<(), Failure> {
    rules
        .entry(call)
        .or_default()
        .push(SeccompRule::new(conditions)?);
    Ok(())
}

fn refused() -> Result<Rules, Failure> {
    let mut rules: Rules = always(REFUSED).chain(always(REFUSED_OLD)).collect();
    for request in REFUSED_IOCTLS {
        when(&mut rules, SYS_ioctl, vec![is(1, *request)?])?;
    }
    // The keeper would wait when it opens the file for another.
    when(&mut rules, SYS_fcntl, vec![is(1, F_SETLEASE as u64)?])?;
    for bit in (0..32)
        .map(|bit| 1_i32.wrapping_shl(bit))
        .filter(|bit| NEW_NAMESPACES & bit != 0)
    {
        when(&mut rules, SYS_unshare, vec![has(0, bit as u32 as u64)?])?;
        when(&mut rules, SYS_clone, vec![has(0, bit as u32 as u64)?])?;
    }
    refuse_sockets(&mut rules)?;
    Ok(rules)
}

fn refuse_sockets(rules: &mut Rules) -> Result<(), Failure> {
    // Whom its loopback is open to.
    for option in SIGNING {
        when(
            rules,
            SYS_setsockopt,
            vec![is(1, IPPROTO_TCP as u64)?, is(2, *option)?],
        )?;
    }
    for (level, option) in WAYS {
        let option = vec![is(1, *level as u64)?, is(2, *option as u64)?];
        when(rules, SYS_setsockopt, option)?;
    }
    // Other kinds of socket than these have no use for commands: packets, virtual machines, Bluetooth, kernel crypto.
    let kinds = [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK].map(|kind| kind as u64);
    let others = kinds
        .iter()
        .map(|kind| is_not(0, *kind))
        .collect::<Result<_, _>>()?;
    when(rules, SYS_socket, others)?;
    when(
        rules,
        SYS_socket,
        vec![is(0, AF_NETLINK as u64)?, is_not(2, NETLINK_ROUTE as u64)?],
    )?;
    // A datagram names whom it goes to behind a pointer, each time anew: syslog and its like.
    for (call, kind) in [
        (SYS_socket, SOCK_DGRAM),
        (SYS_socketpair, SOCK_DGRAM),
        (SYS_socket, SOCK_RAW),
        (SYS_socketpair, SOCK_RAW),
    ] {
        let masked = SeccompCondition::new(
            1,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(0xf),
            kind as u64,
        )?;
        when(rules, call, vec![is(0, AF_UNIX as u64)?, masked])?;
    }
    Ok(())
}

/// What is done to other processes by number. The keeper has one too, even where there is a namespace for them.
fn touching(rules: &mut Rules) -> Result<(), Failure> {
    for (call, number) in TOUCHING {
        when(rules, *call, vec![is_not(*number, 0)?])?;
    }
    // All processes of a user, be it the caller's.
    when(rules, SYS_setpriority, vec![is(0, PRIO_USER as u64)?])?;
    when(rules, SYS_ioprio_set, vec![is(0, IOPRIO_WHO_USER as u64)?])?;
    // Without new limits it only asks.
    let sets = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    when(rules, SYS_prlimit64, vec![is_not(0, 0)?, sets])
}

fn held(which: Held) -> Result<Rules, Failure> {
    let mut rules: Rules = always(HELD).chain(always(HELD_OLD)).collect();
    if which.signals {
        rules.extend(always(SIGNALS));
    }
    touching(&mut rules)?;
    if which.internet {
        rules.extend(always(&[SYS_listen]));
        when(&mut rules, SYS_socket, vec![is(0, AF_INET as u64)?])?;
        when(&mut rules, SYS_socket, vec![is(0, AF_INET6 as u64)?])?;
        let ipv6_alone = vec![is(1, IPPROTO_IPV6 as u64)?, is(2, IPV6_V6ONLY as u64)?];
        when(&mut rules, SYS_setsockopt, ipv6_alone)?;
    }
    let opens = [(SYS_openat, 2)];
    #[cfg(target_arch = "x86_64")]
    let opens = [opens[0], (SYS_open, 1)];
    for (call, flags) in opens {
        if which.reads {
            rules.extend(always(&[call]));
            continue;
        }
        let mut bits = vec![O_WRONLY, O_RDWR, O_CREAT, O_TRUNC];
        bits.extend(which.folders.then_some(O_DIRECTORY));
        for bit in bits {
            when(&mut rules, call, vec![has(flags, bit as u64)?])?;
        }
    }
    Ok(rules)
}

fn compiled(rules: Rules, action: SeccompAction) -> Result<BpfProgram, Failure> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, action, arch)?.try_into()?)
}

/// The filters that refuse, to be applied one after the other.
pub fn refusing(which: Held) -> Result<Vec<BpfProgram>, Failure> {
    let mut missing: Rules = always(MISSING).chain(always(MISSING_OLD)).collect();
    if which.memory {
        missing.extend(always(SHARED_MEMORY));
    }
    if which.internet {
        // TCP can carry its first bytes with the address, and without a call to connect(2).
        for (call, flags) in [(SYS_sendto, 3), (SYS_sendmsg, 2), (SYS_sendmmsg, 3)] {
            when(&mut missing, call, vec![has(flags, MSG_FASTOPEN as u64)?])?;
        }
    }
    // A program that hides its memory could not be served at the door. It believes that it does.
    let mut hiding = Rules::new();
    when(
        &mut hiding,
        SYS_prctl,
        vec![is(0, PR_SET_DUMPABLE as u64)?, is(1, 0)?],
    )?;
    let mut programs = vec![
        compiled(hiding, SeccompAction::Errno(0))?,
        compiled(refused()?, SeccompAction::Errno(EPERM as u32))?,
        compiled(missing, SeccompAction::Errno(ENOSYS as u32))?,
    ];
    if cfg!(target_arch = "x86_64") {
        programs.push(without_x32());
    }
    Ok(programs)
}

/// The filter that holds calls up.
pub fn holding(which: Held) -> Result<BpfProgram, Failure> {
    const RETURN: u16 = 0x06;
    let mut program = compiled(held(which)?, SeccompAction::Trace(0))?;
    // The library has no name for this action, but for one that is written alike.
    let traces = program
        .iter_mut()
        .filter(|step| step.code == RETURN && step.k == SECCOMP_RET_TRACE);
    traces.for_each(|step| step.k = SECCOMP_RET_USER_NOTIF);
    Ok(program)
}

/// x32 has its own numbers for the same calls, which the other filters would let through.
fn without_x32() -> BpfProgram {
    let step = |code, jt, jf, k| seccompiler::sock_filter { code, jt, jf, k };
    vec![
        step(0x20, 0, 0, 0),
        step(0x35, 0, 1, 0x4000_0000),
        step(0x06, 0, 0, SECCOMP_RET_ERRNO | ENOSYS as u32),
        step(0x06, 0, 0, SECCOMP_RET_ALLOW),
    ]
}
