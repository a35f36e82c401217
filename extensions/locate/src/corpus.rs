//! All files of a source, each reduced to what the question asks for: from the cache where that holds, else read on
//! all cores until time is up.
//!
//! No more than a few files are whole in memory at once, so a project's size costs time but hardly memory.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Instant, SystemTime};

use crate::cache::{self, Cache, Writer};
use crate::document::{Document, Reader};
use crate::rank::File;
use crate::record;
use crate::source::{Entry, Source, threads};
use crate::tokens::Term;

/// What is searched for a question.
#[derive(Debug, Default)]
pub struct Corpus {
    pub files: Vec<File>,
    /// Files for which there was no time: they are found by path and history alone.
    pub unread: usize,
}

/// What is known of a listed file.
#[derive(Clone)]
enum Known {
    Nothing,
    Hidden,
    Found(Arc<Document>),
}

/// Lists and reads what a source has, until the deadline.
pub fn gather(
    source: &dyn Source,
    cache: Option<&Cache>,
    wanted: &[Term],
    deadline: Instant,
) -> Corpus {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_nanos() as u64);
    let entries = source.list();
    let mut known = vec![Known::Nothing; entries.len()];
    if let Some(cache) = cache {
        recall(cache, &entries, wanted, &mut known);
    }
    let mut missing: Vec<usize> = (0..entries.len())
        .filter(|at| matches!(known[*at], Known::Nothing))
        .collect();
    // Sources first, since there may not be time for all.
    missing.sort_by_key(|at| entries[*at].kind);
    let work = Work {
        source,
        entries: &entries,
        missing: &missing,
        next: AtomicUsize::new(0),
        wanted,
        deadline,
        // A few changed files are read again sooner than all are written.
        keep: (missing.len() * 50 > entries.len()).then_some(now),
    };
    let writer = cache.filter(|_| work.keep.is_some());
    let writer = writer.and_then(|cache| copy(cache, &entries).ok());
    read(&work, &mut known, writer);
    if let Some(cache) = cache.filter(|_| work.keep.is_some()) {
        // A cache that can't be tidied is still a cache.
        let _ = cache.prune();
    }
    assemble(entries, known)
}

/// Takes from the cache what still holds.
fn recall(cache: &Cache, entries: &[Entry], wanted: &[Term], known: &mut [Known]) {
    let places: HashMap<&str, usize> = places(entries);
    cache.each(|record| {
        let place = places.get(record.path).copied();
        if let Some(at) = place.filter(|at| entries[*at].stamp == record.stamp) {
            known[at] = match &record.document {
                None => Known::Hidden,
                Some(packed) => Known::Found(Arc::new(packed.only(wanted))),
            };
        }
    });
}

fn places(entries: &[Entry]) -> HashMap<&str, usize> {
    let places = entries.iter().enumerate();
    places
        .map(|(at, entry)| (entry.path.as_str(), at))
        .collect()
}

/// Begins a new cache with what still holds in the old one.
fn copy(cache: &Cache, entries: &[Entry]) -> io::Result<Writer> {
    let mut writer = cache.rewrite()?;
    let places = places(entries);
    let mut result = Ok(());
    cache.each(|record| {
        let place = places.get(record.path);
        if place.is_some_and(|at| entries[*at].stamp == record.stamp) && result.is_ok() {
            result = writer.add(record.bytes);
        }
    });
    result.map(|()| writer)
}

/// What the threads that read have in common.
struct Work<'a> {
    source: &'a dyn Source,
    entries: &'a [Entry],
    missing: &'a [usize],
    next: AtomicUsize,
    wanted: &'a [Term],
    deadline: Instant,
    /// The time of the look, if what is read is to be kept.
    keep: Option<u64>,
}

/// A file that was read: which one, what of it is wanted, and what is to be kept.
type Done = (usize, Known, Option<Vec<u8>>);

/// Reads what is missing, and writes down what is to be kept.
fn read(work: &Work, known: &mut [Known], mut writer: Option<Writer>) {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Done>(64);
        let number = threads().min(work.missing.len());
        for _ in 0..number {
            let send = send.clone();
            scope.spawn(move || work.run(&send));
        }
        drop(send);
        for (at, found, record) in receive {
            known[at] = found;
            if let Some(record) = record {
                writer = writer
                    .take()
                    .and_then(|mut writer| writer.add(&record).ok().map(|()| writer));
            }
        }
    });
    if let Some(writer) = writer {
        // What can't be kept is read again.
        let _ = writer.finish();
    }
}

impl Work<'_> {
    fn run(&self, send: &SyncSender<Done>) {
        let mut reader = Reader::new();
        while Instant::now() < self.deadline {
            let Some(at) = self.missing.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let entry = &self.entries[*at];
            let document = self.source.document(entry, &mut reader);
            let keep = self
                .keep
                .is_some_and(|now| cache::settled(&entry.stamp, now));
            let record = keep.then(|| record::pack(&entry.path, &entry.stamp, document.as_deref()));
            let found = match document {
                None => Known::Hidden,
                Some(document) => Known::Found(Arc::new(document.only(self.wanted))),
            };
            if send.send((*at, found, record.flatten())).is_err() {
                return;
            }
        }
    }
}

fn assemble(entries: Vec<Entry>, known: Vec<Known>) -> Corpus {
    let mut corpus = Corpus::default();
    for (entry, known) in entries.into_iter().zip(known) {
        let document = match known {
            Known::Hidden => continue,
            Known::Found(document) => document,
            Known::Nothing => {
                corpus.unread += 1;
                Arc::default()
            }
        };
        corpus.files.push(File {
            path: entry.path,
            kind: entry.kind,
            stamp: entry.stamp,
            document,
        });
    }
    corpus
}
