//! One file as bytes in a cache: path, stamp, lengths, and each term with its counts, in order.
//!
//! A document is never taken out whole: what a question asks for is looked up in the bytes.

use crate::document::{CONTENT, Document};
use crate::source::Stamp;
use crate::tokens::Term;

/// No record is longer, so a broken length can't ask for all memory.
pub const RECORD: usize = 64 << 20;

/// What was kept of one file.
pub struct Record<'a> {
    pub path: &'a str,
    pub stamp: Stamp,
    /// `None` for a file that was read and is not to be found.
    pub document: Option<Packed<'a>>,
    /// The whole record, to be copied.
    pub bytes: &'a [u8],
}

/// A document as it lies in the cache.
pub struct Packed<'a> {
    lengths: [u32; CONTENT],
    terms: &'a [[u8; TERM]],
}

/// The bytes of a term with its counts.
const TERM: usize = 4 + CONTENT;

impl<'a> Record<'a> {
    /// Reads what [`pack`] wrote; `None` if it is none of that.
    pub fn parse(bytes: &'a [u8]) -> Option<Record<'a>> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (path, rest) = rest.split_at_checked(u16::from_le_bytes(*length) as usize)?;
        let (stamp, rest) = rest.split_first_chunk::<32>()?;
        let part = |at: usize| {
            stamp[8 * at..8 * at + 8]
                .try_into()
                .map(u64::from_le_bytes)
                .ok()
        };
        Some(Record {
            path: std::str::from_utf8(path).ok()?,
            stamp: [part(0)?, part(1)?, part(2)?, part(3)?],
            document: match rest {
                [] => None,
                _ => Some(Packed::parse(rest)?),
            },
            bytes,
        })
    }
}

impl<'a> Packed<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Packed<'a>> {
        let mut lengths = [0; CONTENT];
        let mut rest = bytes;
        for length in &mut lengths {
            let (number, tail) = rest.split_first_chunk::<4>()?;
            *length = u32::from_le_bytes(*number);
            rest = tail;
        }
        let (terms, rest) = rest.as_chunks::<TERM>();
        rest.is_empty().then_some(Packed { lengths, terms })
    }

    /// The document with these terms alone, as [`Document::only`] makes it.
    pub fn only(&self, wanted: &[Term]) -> Document {
        let term =
            |entry: &[u8; TERM]| Term::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let found = wanted.iter().filter_map(|wanted| {
            let place = self.terms.binary_search_by_key(wanted, term).ok()?;
            let mut counts = [0; CONTENT];
            counts.copy_from_slice(&self.terms[place][4..]);
            Some((*wanted, counts))
        });
        Document {
            lengths: self.lengths,
            terms: found.collect(),
        }
    }
}

/// The bytes that [`Record::parse`] reads; `None` for a path that is too long to keep.
pub fn pack(path: &str, stamp: &Stamp, document: Option<&Document>) -> Option<Vec<u8>> {
    let length = u16::try_from(path.len()).ok()?;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(path.as_bytes());
    bytes.extend(stamp.iter().flat_map(|part| part.to_le_bytes()));
    if let Some(document) = document {
        bytes.extend(
            document
                .lengths
                .iter()
                .flat_map(|length| length.to_le_bytes()),
        );
        for (term, counts) in &document.terms {
            bytes.extend(term.to_le_bytes());
            bytes.extend(counts);
        }
    }
    (bytes.len() <= RECORD).then_some(bytes)
}
