//! The system calls that no crate of ours wraps, each in a safe function: all of the extension's `unsafe`.
//!
//! The structures are the kernel's own (libc has them); what they mean is in seccomp_unotify(2), mount_setattr(2),
//! process_vm_readv(2) and clone(2).

#![expect(unsafe_code, reason = "system calls that no crate wraps")]

use std::ffi::c_void;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::thread::JoinHandleExt;
use std::ptr;
use std::thread::JoinHandle;

use rustix::io::Errno;
use seccompiler::BpfProgram;

pub use libc::seccomp_notif as Notification;

fn last() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

fn checked(result: i64) -> Result<i64, Errno> {
    if result < 0 { Err(last()) } else { Ok(result) }
}

/// fork(2) into new namespaces: `true` in the child. The process must have one thread, for the others are not there afterwards.
pub fn fork_into(namespaces: i32) -> Result<Option<i32>, Errno> {
    let flags = i64::from(namespaces | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with no stack given, this is fork; all pointers are null and unused.
    let pid = checked(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })?;
    Ok((pid != 0).then_some(pid as i32))
}

/// Puts this thread and what it starts under a filter, whose held-up calls come out of the descriptor.
pub fn filter_with_listener(program: &BpfProgram) -> Result<OwnedFd, Errno> {
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        // Both are the kernel's struct sock_filter.
        filter: program.as_ptr().cast_mut().cast(),
    };
    let install = |flags: libc::c_ulong| {
        // SAFETY: the program outlives the call, which copies it.
        checked(unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                ptr::from_ref(&filter),
            )
        })
    };
    let listens = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Since Linux 5.19: else a signal may interrupt a call that was carried out already, and it is made twice.
    let patient = listens | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let fd = install(patient).or_else(|_| install(listens))?;
    // SAFETY: the call answered with a new descriptor, which nobody else has.
    let listener = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    // Since Linux 6.6: the keeper and whoever waits for it take turns on one processor.
    let sync_wake_up = ptr::without_provenance_mut(1);
    let _ = ioctl(
        listener.as_fd(),
        libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS,
        sync_wake_up,
    );
    Ok(listener)
}

fn ioctl(fd: BorrowedFd<'_>, request: libc::Ioctl, argument: *mut c_void) -> Result<i64, Errno> {
    // SAFETY: each caller passes what its request takes.
    checked(i64::from(unsafe {
        libc::ioctl(fd.as_raw_fd(), request, argument)
    }))
}

/// The next call that is held up.
pub fn receive(listener: BorrowedFd<'_>) -> Result<Notification, Errno> {
    // SAFETY: all zeroes is a value of this structure, and the one that the kernel wants.
    let mut notification: Notification = unsafe { std::mem::zeroed() };
    ioctl(
        listener,
        libc::SECCOMP_IOCTL_NOTIF_RECV,
        ptr::from_mut(&mut notification).cast(),
    )?;
    Ok(notification)
}

/// What becomes of a call that is held up.
#[derive(Debug)]
pub enum Answer {
    /// It returns this.
    Value(i64),
    /// It is carried out by the kernel after all. Only for calls whose arguments are all in registers: what they point at
    /// may have changed since it was looked at.
    Continue,
    /// It returns a new descriptor, closed on exec or not.
    Descriptor(OwnedFd, bool),
    /// It returns 0, and this takes the place of what had that number.
    Instead(OwnedFd, i32, bool),
}

/// Answers; that the caller has gone meanwhile is none of our business.
pub fn answer(listener: BorrowedFd<'_>, id: u64, answer: Result<Answer, Errno>) {
    let handed = match answer {
        Ok(Answer::Descriptor(fd, close_on_exec)) => {
            hand_over(listener, id, fd, None, close_on_exec)
        }
        Ok(Answer::Instead(fd, number, close_on_exec)) => {
            hand_over(listener, id, fd, Some(number), close_on_exec).map(|_| Answer::Value(0))
        }
        answer => answer,
    };
    let (val, error, flags) = match handed {
        Ok(Answer::Value(value)) => (value, 0, 0),
        Ok(_) => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        Err(errno) => (0, -errno.raw_os_error(), 0),
    };
    let mut response = libc::seccomp_notif_resp {
        id,
        val,
        error,
        flags,
    };
    let response = ptr::from_mut(&mut response).cast();
    let _ = ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, response);
}

/// Gives the caller a descriptor, and closes ours before the caller goes on: a program can't be run while somebody may write it.
fn hand_over(
    listener: BorrowedFd<'_>,
    id: u64,
    fd: OwnedFd,
    instead_of: Option<i32>,
    close_on_exec: bool,
) -> Result<Answer, Errno> {
    let mut request = libc::seccomp_notif_addfd {
        id,
        flags: instead_of.map_or(0, |_| libc::SECCOMP_ADDFD_FLAG_SETFD as u32),
        srcfd: fd.as_raw_fd() as u32,
        newfd: instead_of.unwrap_or(0) as u32,
        newfd_flags: if close_on_exec {
            libc::O_CLOEXEC as u32
        } else {
            0
        },
    };
    let request = ptr::from_mut(&mut request).cast();
    ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD, request).map(Answer::Value)
}

/// Whether the call is still held up, so that its thread's number is still this thread's.
pub fn still_waits(listener: BorrowedFd<'_>, mut id: u64) -> bool {
    ioctl(
        listener,
        libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
        ptr::from_mut(&mut id).cast(),
    )
    .is_ok()
}

/// Reads another process's memory; less than asked for where it ends.
pub fn read_memory(pid: i32, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let remote = libc::iovec {
        iov_base: address as *mut c_void,
        iov_len: buffer.len(),
    };
    // SAFETY: the local part is the buffer; the remote one is looked up in the other process by the kernel.
    let read = unsafe {
        libc::process_vm_readv(pid, ptr::from_ref(&local), 1, ptr::from_ref(&remote), 1, 0)
    };
    checked(read as i64).map(|read| read as usize)
}

/// connect(2) or bind(2) with an address as bytes.
pub fn with_address(socket: BorrowedFd<'_>, address: &[u8], binds: bool) -> Result<Answer, Errno> {
    let (pointer, length) = (address.as_ptr().cast(), address.len() as u32);
    // SAFETY: the kernel reads `length` bytes of the address and no more.
    let result = unsafe {
        match binds {
            true => libc::bind(socket.as_raw_fd(), pointer, length),
            false => libc::connect(socket.as_raw_fd(), pointer, length),
        }
    };
    checked(i64::from(result)).map(Answer::Value)
}

fn set_option<T>(socket: BorrowedFd<'_>, level: i32, option: i32, value: &T) -> Result<(), Errno> {
    // SAFETY: each caller passes what its option takes, and the size is the value's.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(value).cast(),
            size_of::<T>() as u32,
        )
    };
    checked(i64::from(result)).map(drop)
}

/// What signs segments of TCP.
pub type SigningKey = [u8; 16];

/// struct tcp_md5sig of linux/tcp.h, which libc has not.
#[repr(C)]
struct Signature {
    /// struct sockaddr_in or sockaddr_in6.
    address: [u8; size_of::<libc::sockaddr_storage>()],
    flags: u8,
    prefix: u8,
    length: u16,
    interface: i32,
    key: [u8; 80],
}

/// Has a socket sign what it sends over this kind of IP, and drop what is not signed: tcp(7), TCP_MD5SIG_EXT. `everybody` is
/// an unspecified address; an IPv6 socket speaks IPv4 too, which has one of its own there.
pub fn sign(socket: BorrowedFd<'_>, everybody: IpAddr, key: &SigningKey) -> Result<(), Errno> {
    // SAFETY: all zeroes is a value of these numbers.
    let mut signature: Signature = unsafe { std::mem::zeroed() };
    let family = match everybody {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(ip) => {
            signature.address[8..24].copy_from_slice(&ip.octets());
            libc::AF_INET6
        }
    };
    signature.address[..2].copy_from_slice(&(family as u16).to_ne_bytes());
    // TCP_MD5SIG_FLAG_PREFIX; a prefix of no bits is every sender.
    signature.flags = 1;
    signature.length = key.len() as u16;
    signature.key[..key.len()].copy_from_slice(key);
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_MD5SIG_EXT, &signature)
}

/// What a server asks for before it binds, so that it can bind again at once: socket(7).
pub fn reuse_address(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, &1_i32)
}

/// Lets a signal do what it does to a program that takes no notice of it.
pub fn act_by_default(signal: i32) {
    // SAFETY: no handler is installed, one is taken away.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// The kernel's ERESTARTSYS, for a caller that has a signal waiting: its call begins anew, or fails with EINTR.
pub const RESTART: Errno = Errno::from_raw_os_error(512);

/// Has a call that a thread of ours is waiting in fail with EINTR.
pub fn interrupt<T>(thread: &JoinHandle<T>) {
    extern "C" fn awake(_: libc::c_int) {}
    // SAFETY: the handler does nothing. The thread can be named as long as its handle is there, even when it has ended.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = awake as *const () as usize;
        libc::sigaction(libc::SIGUSR1, ptr::from_ref(&action), ptr::null_mut());
        libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1);
    }
}

/// Makes all mounts below `/` read-only, for this mount namespace.
pub fn make_mounts_read_only() -> Result<(), Errno> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: path and structure outlive the call, and the size is the structure's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/".as_ptr(),
            libc::AT_RECURSIVE,
            ptr::from_ref(&attributes),
            size_of_val(&attributes),
        )
    };
    checked(result).map(drop)
}

/// Brings up this network namespace's loopback.
pub fn loopback_up() -> Result<(), Errno> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    // SAFETY: all zeroes is a value of this structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    ioctl(
        socket.as_fd(),
        libc::SIOCSIFFLAGS as libc::Ioctl,
        ptr::from_mut(&mut request).cast(),
    )
    .map(drop)
}
