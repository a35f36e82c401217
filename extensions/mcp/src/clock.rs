//! How long to wait for an answer: so long since the last sign of progress, and never longer than half an hour.
//!
//! It stands still while somebody is asked on the server's behalf, for that is not the server's time.

use std::time::Duration;

use tokio::time::Instant;

use crate::errors::CallError;

/// No call takes longer, whatever progress it reports.
const MOST: Duration = Duration::from_secs(30 * 60);

/// A wait under way.
pub struct Clock {
    limit: Duration,
    idle_since: Instant,
    end: Instant,
    /// Since when somebody is asked on the server's behalf; the time of that does not count.
    asking_since: Option<Instant>,
}

impl Clock {
    pub fn new(limit: Duration) -> Clock {
        let now = Instant::now();
        Clock {
            limit,
            idle_since: now,
            end: now + MOST,
            asking_since: None,
        }
    }

    /// There is progress.
    pub fn sign(&mut self) {
        self.idle_since = Instant::now();
    }

    /// Whether somebody is being asked.
    pub fn asks(&mut self, is_asking: bool) {
        match (is_asking, self.asking_since) {
            (true, None) => self.asking_since = Some(Instant::now()),
            (false, Some(since)) => {
                self.end += since.elapsed();
                self.asking_since = None;
                self.sign();
            }
            _ => {}
        }
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        let end = self.end.min(self.idle_since + self.limit);
        match self.asking_since {
            None => tokio::time::sleep_until(end).await,
            Some(_) => std::future::pending().await,
        }
    }

    pub fn timed_out(&self) -> CallError {
        let after = match self.end <= Instant::now() {
            true => MOST,
            false => self.limit,
        };
        CallError::TimedOut { after }
    }
}
