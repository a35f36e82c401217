//! The way to chosen hosts: a proxy that listens where the command is, and connects from where the front is.

use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::run::Failure;
use crate::policy::Network;
use crate::proxy;

/// The keeper's end of the proxy: listens where the command can reach it, and hands the listener to the front.
pub fn listen(front: &UnixStream) -> Result<u16, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let fds = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    rights.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(
        front,
        &[IoSlice::new(&[0])],
        &mut rights,
        SendFlags::empty(),
    )?;
    Ok(port)
}

/// The front's end of the proxy, which has the machine's own network. What it refuses goes back to the keeper, to be told.
pub fn serve(keeper: &UnixStream, hosts: &[String]) -> Result<(), Failure> {
    let hosts = proxy::Hosts::new(hosts)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        keeper,
        &mut [IoSliceMut::new(&mut byte)],
        &mut rights,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let listener = rights.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    // The keeper failed before it got so far, and has said why.
    let Some(listener) = listener else {
        return Ok(());
    };
    let back = Mutex::new(keeper.try_clone()?);
    proxy::serve(listener.into(), hosts, move |refusal| {
        let line = format!("{refusal}\n").replace(['\r', '\0'], " ");
        if let Ok(mut back) = back.lock() {
            let _ = back.write_all(line.as_bytes());
        }
    })?;
    Ok(())
}

/// The variables by which programs find a proxy.
pub fn variables(port: u16, network: &Network) -> Vec<(&'static str, String)> {
    let names = [
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ];
    let proxy = names.map(|name| (name, format!("http://127.0.0.1:{port}")));
    // The command's own servers are not behind the proxy, unless this machine's were chosen.
    let local = ["localhost", "127.0.0.1", "[::1]"];
    let is_chosen = |host: &String| local.iter().any(|local| host.starts_with(local));
    let past = match network {
        Network::Hosts(hosts) if hosts.iter().any(is_chosen) => "",
        _ => "localhost,127.0.0.1,::1",
    };
    let past = ["no_proxy", "NO_PROXY"].map(|name| (name, past.to_string()));
    proxy.into_iter().chain(past).collect()
}
