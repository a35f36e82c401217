//! Signals: Ctrl+C cancels what runs; a closed terminal or a polite kill ends the program as it should.

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a program whose terminal has gone: 128 + SIGHUP's number.
pub const HUNG_UP: u8 = 129;

/// What came while something ran.
pub enum Interrupt {
    /// Ctrl+C.
    Cancel,
    /// SIGTERM or SIGHUP: leave, with 128 + the signal's number.
    Leave(ExitCode),
}

/// Listens from its making on; signals before the first [`Signals::next`] are not lost.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them.
    pub async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Cancel,
            _ = self.terminate.recv() => Interrupt::Leave(ExitCode::from(143)),
            _ = self.hangup.recv() => Interrupt::Leave(ExitCode::from(HUNG_UP)),
        }
    }
}
